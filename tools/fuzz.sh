#!/usr/bin/env bash
# Fuzzes every target for a short fixed time. $1: seconds each, $2: seconds for
# all together, $3: of so many shares of the folders one, the next one with each
# commit (1: all). "go test" fuzzes one target of one package at a time.
set -euo pipefail

# Only folders that hold a target are linked, once each.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folders=$(grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -r -n1 dirname | sort -u || true)
targets=()
turn=$(git rev-list --count HEAD 2>/dev/null || echo 0)
for folder in $folders; do
	turn=$((turn + 1))
	if [ $((turn % ${3:-1})) -ne 0 ]; then
		continue
	fi
	binary=$work/$(tr / _ <<<"$folder")
	go test -c -vet=off -ldflags=-w -fuzz '^Fuzz' -o "$binary" "$folder"
	listed=$(cd "$folder" && "$binary" -test.list '^Fuzz')
	while read -r name; do
		targets+=("$folder $binary $name")
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

# A run that ends while an input is underway fails with "context deadline
# exceeded" though nothing was found (golang/go issue 75804). A finding always
# writes its input. What is printed is then not the word of a failure.
fuzz() {
	local log=$work/log
	echo "fuzz: $1 $3"
	if (cd "$1" && "$2" -test.run '^$' -test.fuzz "^$3\$" -test.fuzztime "${seconds}s" -test.fuzzcachedir "$work/found") >"$log" 2>&1; then
		cat "$log"
	elif grep -qE 'Failing input written|failure while testing seed corpus' "$log" || ! grep -qE '^ +context deadline exceeded$' "$log"; then
		cat "$log"
		exit 1
	else
		grep -E '^fuzz: ' "$log" || true
		echo "fuzz: $1 $3 ended at its time limit without a finding"
	fi
}

echo "fuzz: ${#targets[@]} targets, $seconds s each"
for target in "${targets[@]}"; do
	read -r folder binary name <<<"$target"
	fuzz "$folder" "$binary" "$name"
done
