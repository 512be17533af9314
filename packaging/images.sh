#!/bin/sh
# Puts images of both variants into an OCI layout, by buildah, from programs that `make static` has made.
#
#   packaging/images.sh TREE FOLDER 'amd64 arm64'    FOLDER/oci, of TREE/build/static
#
# SOURCE_DATE_EPOCH is the date of all that is in it.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

tree=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
platforms=$3
version=$("$tree/.ci/version")
runroot=$(mktemp -d)
trap 'rm -rf "$runroot"' EXIT
trap 'exit 130' HUP INT TERM

store() {
  command=$1
  shift
  HOME=$folder buildah --root "$folder/store" --runroot "$runroot" --storage-driver vfs "$command" "$@"
}

for variant in full min; do
  name=dnslet$([ $variant = full ] || echo "-$variant")
  for platform in $platforms; do
    store bud --quiet --isolation chroot --format oci --timestamp "$SOURCE_DATE_EPOCH" \
      --platform "linux/$(echo "$platform" | sed 's|^arm$|arm/v7|')" \
      --manifest "$name" --target "$variant" --build-arg VERSION="$version" -f "$tree/docker/prebuilt.Dockerfile" "$tree"
  done
  store manifest push --quiet --all "$name" "oci:$folder/oci:$name"
done
rm -rf "$folder/store"
