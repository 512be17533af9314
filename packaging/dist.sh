#!/bin/sh
# Makes what a release consists of, from the last commit: the same bytes for the same commit and toolchain.
#
#   packaging/dist.sh FOLDER    ARCHS="x86_64 aarch64": static programs and images for these
#                               PACKAGES="deb apk": packages of these kinds
#
# dnslet-VERSION.tar.gz            the source, from which all the rest is made
# dnslet[-min]-VERSION-ARCH        static programs
# dnslet-VERSION.oci.tar           images of both variants, as an OCI layout: dnslet, dnslet-min
# dnslet_..._ARCH.deb, APKBUILD    packages; the first is for the Debian that this runs on
# dnslet-VERSION.spdx.json         what the static programs are made of
# SHA256SUMS
set -eu
cd "$(dirname "$0")/.."

archs=${ARCHS:-x86_64 aarch64}
packages=${PACKAGES-deb apk}
SOURCE_DATE_EPOCH=$(git --git-dir=.git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
unset MAKEFLAGS MAKELEVEL MFLAGS ARCH STATIC VARIANT

rm -rf "$1"
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

tarball=$(packaging/source.sh "$out")
name=$(basename "$tarball" .tar.gz)
version=${name#dnslet-}
tar -xf "$tarball" -C "$work"
source=$work/$name

for arch in $archs; do
  make -C "$source" static ARCH="$arch"
done

# What container engines call it is the folder of a program.
platform() { make -s -C "$source" print-platform ARCH="$1"; }

for arch in $archs; do
  install -m 755 "$source/build/static/$(platform "$arch")/dnslet" "$out/dnslet-min-$version-$arch"
  install -m 755 "$source/build/static/full/$(platform "$arch")/dnslet" "$out/dnslet-$version-$arch"
done

made_of=$("$source/.ci/musl-sysroot" "$(echo "$archs" | cut -d ' ' -f 1)")/sources
"$source/packaging/sbom.py" "$version" "$made_of" "$out"/dnslet*-"$version"-* >"$out/dnslet-$version.spdx.json"

for kind in $packages; do
  "packaging/$kind/build.sh" "$work/$kind" >&2
done
for file in "$work"/deb/*.deb "$work"/apk/APKBUILD; do
  case $file in *dbgsym*) continue ;; esac
  [ ! -e "$file" ] || cp "$file" "$out"
done

packaging/images.sh "$source" "$work/images" "$(for arch in $archs; do platform "$arch"; done | tr '\n' ' ')"
tar -C "$work/images/oci" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
  -cf "$out/dnslet-$version.oci.tar" .

cd "$out"
sha256sum -- * >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" .
ls -l
