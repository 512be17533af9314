#!/bin/sh
# Writes an APKBUILD for the last commit beside its source; where abuild is, on Alpine, it makes the packages, too.
#
#   packaging/apk/build.sh FOLDER
set -eu
cd "$(dirname "$0")/../.."

rm -rf "$1"
mkdir -p "$1"
folder=$(cd "$1" && pwd)
unset MAKEFLAGS MAKELEVEL MFLAGS CXX CXXFLAGS

# Alpine's versions are numbers, and one word with a number behind them.
date=$(git --git-dir=.git log -1 --format=%cd --date=format:%Y%m%d)
version=$(.ci/version | sed -E "s/-dirty\$//; s/^([0-9.]+)(-dev)?\+.*/\1_git$date/; s/^([0-9.]+)-([0-9]+)-g.*/\1_p\2/")
packaging/source.sh "$folder" "$version"
sed "s/@VERSION@/$version/" packaging/apk/APKBUILD >"$folder/APKBUILD"
(cd "$folder" && printf '\nsha512sums="\n%s\n"\n' "$(sha512sum dnslet-*.tar.gz)" >>APKBUILD)
if command -v abuild >/dev/null; then
  (cd "$folder" && abuild -r)
fi
