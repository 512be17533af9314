#!/bin/sh
# What a newcomer types first, on a machine that has nothing but make: a minimal root of a Debian
# release, made by debootstrap for this run, with a clean clone of the last commit in it.
#
#   tests/fresh_root.sh bookworm|trixie|... [GOAL...]    goals of make; without any: run check static
#
# It needs root, debootstrap and a Debian whose package mirror it takes over. Where these are not to be
# had it says so and ends with status 0, with NOSKIP=1 with status 1. KEEP=1 keeps the root.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

suite=$1
shift
[ $# != 0 ] || set -- run check static

skip() {
  echo "fresh root of $suite: skipped: $*"
  exit "$([ -z "${NOSKIP:-}" ] && echo 0 || echo 1)"
}

# mirror LABEL: the address that this system's own packages come from.
mirror() {
  apt-get indextargets --format "\$(LABEL) \$(REPO_URI)" 'Created-By: Packages' |
    sed -n "s/^$1 \(.*[^/]\)\/*\$/\1/p" | head -n 1
}

[ "$(id -u)" = 0 ] || skip 'not root'
command -v debootstrap >/dev/null || skip 'debootstrap is not installed'
command -v apt-get >/dev/null || skip 'no apt-get here to take a mirror from'
[ -n "$(mirror Debian)" ] || skip 'no mirror of Debian in the settings of apt'
unshare --mount --pid --fork true 2>/dev/null || skip 'no namespaces here'

# This run's own settings must not reach the fresh machine.
unset MAKEFLAGS MAKELEVEL MFLAGS CXX CXXFLAGS DNSLET SAN STATIC WERROR

root=$(mktemp -d "${TMPDIR:-/tmp}/fresh-$suite.XXXXXX")
chmod 755 "$root" # for _apt, who downloads
trap '[ -n "${KEEP:-}" ] && echo "kept: $root" || rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' HUP INT TERM

make_root() {
  proxy=''
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  http_proxy=${http_proxy:-$proxy} debootstrap --variant=minbase --include=make "$suite" "$root" \
    "$(mirror Debian)" >"$root.log" 2>&1 || { tail -n 20 "$root.log" && return 1; }
  rm "$root.log"
  {
    echo "deb $(mirror Debian) $suite main"
    echo "deb $(mirror Debian) $suite-updates main"
    security=$(mirror Debian-Security)
    [ -z "$security" ] || echo "deb $security $suite-security main"
  } >"$root/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(https?|Check-|Retries)' >"$root/etc/apt/apt.conf.d/90host" || true
  cat /etc/resolv.conf >"$root/etc/resolv.conf"
  cat /etc/hosts >"$root/etc/hosts"
  git -c advice.detachedHead=false clone --quiet --no-hardlinks . "$root/dnslet"
}

# inside SCRIPT: with processes and mounts of its own, which end with it.
inside() {
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child sh -euc '
    mount --make-rprivate /
    mount --bind "$1" "$1" # a mount, so that tests can make namespaces of their own in there
    mount -t proc proc "$1/proc"
    mount --rbind /sys "$1/sys"
    mount --rbind /dev "$1/dev"
    exec chroot "$1" /usr/bin/env -i HOME=/tmp PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      sh -euc "cd /dnslet; $2"' sh "$root" "$1" </dev/null
}

# As somebody in a second terminal would see it.
# shellcheck disable=SC2016 # for the shell in there
make_run='
log=$(mktemp)
make run >"$log" 2>&1 &
until grep "ready: udp+tcp" "$log"; do
  kill -0 $! || { cat "$log"; exit 1; }
  sleep 1
done
address=$(sed -n "s/.*ready: udp+tcp //p" "$log")
build/dnslet --listen $address --healthcheck'

begin=$(date +%s)
step() { echo "=== $suite: $* (after $(($(date +%s) - begin)) s)"; }

step debootstrap
make_root
for goal; do
  step "make $goal"
  case $goal in
  run) inside "$make_run" ;;
  *) inside "make $goal" ;;
  esac
done
step passed
