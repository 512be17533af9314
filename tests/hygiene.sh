#!/bin/sh
# What no tracked file may hold: a path of one machine, a to-do without an issue number, the leftovers
# of a merge, trailing blanks. Patterns are written so that they do not find themselves.
set -eu
cd "$(dirname "$0")/.."

files() {
  git ls-files --cached --others --exclude-standard 2>/dev/null ||
    find . -path ./build -prune -o -type f -print
}

bad=0

# refuse WHAT PATTERN: prints every line of a text file that holds the (extended) pattern.
refuse() {
  found=$(files | grep -v '^tests/fuzz/corpus/' | tr '\n' '\0' | xargs -0 grep -InE -e "$2" 2>/dev/null || true)
  [ -z "$found" ] && return
  printf 'hygiene: %s:\n%s\n' "$1" "$found" >&2
  bad=1
}

refuse 'a path of one machine' '/([h]ome|[U]sers|[r]oot|[w]ork|var/[t]mp)/[A-Za-z0-9._-]'
refuse 'a to-do that names no issue, as (#12) would' '(^|[^A-Za-z])(T[O]DO|F[I]XME|X[X]X)([^A-Za-z(]|\([^#]|$)'
refuse 'the leftovers of a merge' '^(<{7}|={7}|>{7})( |$)'
refuse 'trailing blanks' '[[:blank:]]$'
exit $bad
