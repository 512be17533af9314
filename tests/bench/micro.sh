#!/bin/sh
# Instructions per operation of a micro benchmark, counted by callgrind: micro.sh PROGRAM
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file="$folder/counts" "$1" \
  >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }

# One part for each operation, in order: "desc: Trigger: Client Request: NAME /ROUNDS", "totals: N".
part=1
while [ -e "$folder/counts.$part" ]; do
  awk '/^desc: Trigger: Client Request: / {
         sub(/^desc: Trigger: Client Request: /, "")
         rounds = name = $0
         sub(/ \/[0-9]+$/, "", name)
         sub(/.*\//, "", rounds)
       }
       /^totals:/ && name { printf "%-36s %12.0f instructions\n", name, $2 / rounds }' "$folder/counts.$part"
  part=$((part + 1))
done
