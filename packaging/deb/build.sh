#!/bin/sh
# Makes Debian's packages of the last commit in FOLDER, and has lintian look at them.
#
#   packaging/deb/build.sh FOLDER [BUILD-OPTION...]    options of dpkg-buildpackage
set -eu
cd "$(dirname "$0")/../.."

folder=$1
shift
rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
unset MAKEFLAGS MAKELEVEL MFLAGS CXX CXXFLAGS CI WERROR # the package's build is one of its own

tarball=$(packaging/source.sh "$folder")
name=$(basename "$tarball" .tar.gz)
# A dash would begin Debian's own revision; what comes before the release sorts before it.
version=$(echo "${name#dnslet-}" | sed 's/-dev/~dev/; s/-/+/; s/-/./g')
# Each release has libraries of its own, so a package for an older one sorts before that for a newer one.
revision=1~$(sed -n 's/"//g; s/^ID=//p; s/^VERSION_ID=//p' /etc/os-release | sort -r | tr -d '\n')
SOURCE_DATE_EPOCH=$(git --git-dir=.git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

tar -xf "$tarball" -C "$folder"
mv "$tarball" "$folder/dnslet_$version.orig.tar.gz"
source=$folder/$name
cp -r "$source/packaging/deb" "$source/debian"
rm "$source/debian/build.sh"
cat >"$source/debian/changelog" <<END
dnslet ($version-$revision) unstable; urgency=medium

  * As packaged by the authors of dnslet; see CHANGELOG.md for what is new.

 -- $(sed -n 's/^Maintainer: //p' "$source/debian/control")  $(date -Ru -d "@$SOURCE_DATE_EPOCH")
END

cd "$source"
# Its tests are those of make check.
DEB_BUILD_OPTIONS="nocheck parallel=$(nproc) ${DEB_BUILD_OPTIONS:-}" dpkg-buildpackage --no-sign --build-profiles=nocheck "$@"
cd "$folder"
lintian --fail-on error,warning ./*.changes
ls ./*.deb
