#!/usr/bin/env bash
# Fuzzes every target for a short fixed time. $1: seconds each, $2: seconds for
# all together. "go test" fuzzes one target of one package at a time.
set -euo pipefail

# Only folders that hold a target are linked and asked; "go test" has the last word.
folders=$(grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -r -n1 dirname | sort -u || true)
targets=()
for folder in $folders; do
	listed=$(go test -list '^Fuzz' "$folder")
	while read -r name; do
		targets+=("$folder $name")
	done < <(grep '^Fuzz' <<<"$listed" || true)
done
if [ ${#targets[@]} -eq 0 ]; then
	echo "fuzz: there is no target"
	exit 0
fi

seconds=$1
if [ $((seconds * ${#targets[@]})) -gt "$2" ]; then
	seconds=$(($2 / ${#targets[@]}))
fi
if [ "$seconds" -lt 1 ]; then
	seconds=1
fi

echo "fuzz: ${#targets[@]} targets, $seconds s each"
for target in "${targets[@]}"; do
	read -r folder name <<<"$target"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "${seconds}s" "$folder"
done
