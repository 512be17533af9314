#!/bin/sh
# Runs tests/alpine_test.py for both variants, with Debian's OpenRC for the script of it: the small root file systems of
# Alpine have none.
#
#   tests/alpine.sh FOLDER    of alpine-minirootfs-*.tar.gz
set -eu
roots=$(realpath "${1:?a folder of alpine-minirootfs-*.tar.gz: make check-alpine ROOTS=DIR}")
cd "$(dirname "$0")/.."

openrc=$PWD/build/openrc
if command -v apt-get >/dev/null && [ ! -e "$openrc/sbin/openrc-run" ]; then
  rm -rf "$openrc"
  mkdir -p "$openrc"
  (cd "$openrc" && apt-get -qq download openrc librc1 libeinfo1 && for file in ./*.deb; do dpkg -x "$file" .; done && rm ./*.deb) ||
    { echo 'alpine: no OpenRC to be had' >&2 && rm -rf "$openrc"; }
fi
[ ! -e "$openrc" ] || export OPENRC="$openrc"

export ROOTS="$roots"
for program in build/static/dnslet build/static/full/dnslet; do
  DNSLET=$PWD/$program "${PYTHON:-/usr/bin/python3}" -m pytest -q -s -p no:cacheprovider tests/alpine_test.py
done
