#!/bin/sh
# What a newcomer types first, on a machine that has nothing but make: a minimal root of a Debian
# release, made by debootstrap for this run, with a clean clone of the last commit in it.
#
#   tests/fresh_root.sh bookworm|trixie|... [GOAL...]    goals of make; without any: run check static
#
# The goal `packages` builds Debian's package, has it installed in a second root that has nothing of the build,
# started as its unit says, asked, and purged. DEBS=FOLDER: that package, instead of one built there.
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

folder=$(mktemp -d "${TMPDIR:-/tmp}/fresh-$suite.XXXXXX")
chmod 755 "$folder"
root=$folder/root
trap '[ -n "${KEEP:-}" ] && echo "kept: $folder" || rm -rf --one-file-system "$folder"' EXIT
trap 'exit 130' HUP INT TERM

make_root() {
  mkdir -p "$root"
  chmod 755 "$root" # for _apt, who downloads
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
    exec chroot "$1" /usr/bin/env -i HOME=/tmp DEBIAN_FRONTEND=noninteractive \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
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

# Paths of all that a package may leave behind; what apt keeps for itself is not looked at.
files() {
  (cd "$root" && find . -xdev -path ./proc -prune -o -path ./sys -prune -o -path ./dev -prune -o -path ./dnslet -prune \
    -o -path ./var/cache/apt -prune -o -path ./var/lib/apt -prune -o -path ./var/log -prune -o -path ./tmp -prune \
    -o -path './var/lib/dpkg/*-old' -o -print | sort)
}

# served SCRIPT ASSERTION: what SCRIPT starts in the root, in a network of its own, is asked by ASSERTION out here.
served() {
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child --net sh -euc '
    ip link set lo up
    mount --make-rprivate /
    mount -t proc proc /proc
    mount --rbind /dev "$1/dev"
    chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -euc "$2" &
    eval "$3"
    wait $!' sh "$root" "$1" "$2" </dev/null
}

# No systemd runs in a root: the unit is read for what it starts, with which variables and settings.
# shellcheck disable=SC2016
as_the_unit_says='
unit=$(find /usr/lib/systemd/system /lib/systemd/system -name dnslet.service | head -n 1)
value() { sed -n "s/^$1=-*//p" "$unit" | head -n 1; }
export "$(value Environment)"
set -a
. "$(value EnvironmentFile)"
set +a
exec $(value ExecStart)'

# shellcheck disable=SC2016
it_answers='
seconds=20
until [ "$(dig +short +tries=1 +time=1 @127.0.0.1 nas.test)" = 192.0.2.80 ]; do
  kill -0 $! && [ $((seconds -= 1)) != 0 ]
  sleep 1
done
[ "$(dig +short +tcp @127.0.0.1 nas.test)" = 192.0.2.80 ]
grep "^Uid:.*65534" "/proc/$!/status"
kill $!'

# Not all that a package does to a system is seen in a root; what is left behind is.
try_package() {
  mkdir -p "$root/tmp/deb"
  cp "$1"/dnslet_*.deb "$root/tmp/deb"
  # shellcheck disable=SC2016
  inside 'apt-get -qq update
    apt-get -qq --yes satisfy "$(dpkg-deb -f /tmp/deb/dnslet_*.deb Depends)"' >"$folder/log" 2>&1 || { cat "$folder/log" && return 1; }
  files >"$folder/before"
  inside 'apt-get -qq --yes --no-install-recommends install /tmp/deb/dnslet_*.deb
    dnslet --version
    echo DNSMASQ_ADDRESS=nas.test=192.0.2.80 >>/etc/default/dnslet'
  files | diff "$folder/before" - | sed -n 's/^>/installed/p'
  served "$as_the_unit_says" "$it_answers"
  inside 'apt-get -qq --yes purge dnslet'
  files | diff "$folder/before" - || { echo 'that is left behind' && return 1; }
}

check_packages() {
  debs=${DEBS:-}
  if [ -z "$debs" ]; then
    inside 'make deb'
    debs=$folder/debs
    mv "$root/dnslet/build/deb" "$debs"
    rm -rf --one-file-system "$root"
    make_root
  fi
  try_package "$debs"
}

begin=$(date +%s)
step() { echo "=== $suite: $* (after $(($(date +%s) - begin)) s)"; }

step debootstrap
make_root
for goal; do
  step "make $goal"
  case $goal in
  run) inside "$make_run" ;;
  packages) check_packages ;;
  *) inside "make $goal" ;;
  esac
done
step passed
