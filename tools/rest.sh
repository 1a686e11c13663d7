#!/usr/bin/env bash
# Runs without the race detector what a run with it left out: the tests of which it
# skipped a part. All tests when it did not run.
# $1: the events (test2json) of the run with it; $2: where those of this run go; the
# rest: more flags of go test.
set -euo pipefail

race=$1 events=$2
shift 2
packages=(./...)
run=()
if [ -s "$race" ]; then
	skipped=$(grep -F '"Action":"skip"' "$race" | grep -F '"Test":' || true)
	if [ -z "$skipped" ]; then
		: >"$events"
		exit 0
	fi
	mapfile -t packages < <(sed -E 's/.*"Package":"([^"]*)".*/\1/' <<<"$skipped" | sort -u)
	run=(-run "^($(sed -E 's/.*"Test":"([^"/]*).*/\1/' <<<"$skipped" | sort -u | paste -sd '|'))\$")
fi
go tool -modfile=tools/go.mod gotestsum --format pkgname --jsonfile "$events" -- "$@" -parallel 3 -count=1 -timeout 30m "${run[@]}" "${packages[@]}"
