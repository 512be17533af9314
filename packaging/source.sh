#!/bin/sh
# Writes the source of the last commit as a tarball, the same bytes for the same commit, and prints its path.
#
#   packaging/source.sh FOLDER [VERSION]    FOLDER/dnslet-VERSION.tar.gz, with the version in a file of its own
set -eu
cd "$(dirname "$0")/.."

mkdir -p "$1"
folder=$(cd "$1" && pwd)
if ! git --git-dir=.git diff --quiet HEAD 2>/dev/null; then
  echo 'source: what is not committed is left out' >&2
fi
version=${2:-$(.ci/version | sed 's/-dirty$//')}
name=dnslet-$version
# Without --format git archive would compress, and not every git does so alike.
git --git-dir=.git archive --format=tar --prefix="$name/" --add-virtual-file="$name/.version:$version" HEAD |
  gzip -9n >"$folder/$name.tar.gz.new"
mv "$folder/$name.tar.gz.new" "$folder/$name.tar.gz"
echo "$folder/$name.tar.gz"
