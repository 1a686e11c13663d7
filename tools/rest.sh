#!/usr/bin/env bash
# Runs without the race detector what a run with it left out: the tests of which it
# skipped a part. All tests when it did not run.
# $1: the events (test2json) of the run with it; $2: where those of this run go; $3:
# packages at a time.
set -euo pipefail

packages=(./...)
run=()
if [ -s "$1" ]; then
	skipped=$(grep -F '"Action":"skip"' "$1" | grep -F '"Test":' || true)
	if [ -z "$skipped" ]; then
		: >"$2"
		exit 0
	fi
	mapfile -t packages < <(sed -E 's/.*"Package":"([^"]*)".*/\1/' <<<"$skipped" | sort -u)
	run=(-run "^($(sed -E 's/.*"Test":"([^"/]*).*/\1/' <<<"$skipped" | sort -u | paste -sd '|'))\$")
fi
go tool -modfile=tools/go.mod gotestsum --format pkgname --jsonfile "$2" -- -p "$3" -count=1 -timeout 20m "${run[@]}" "${packages[@]}"
