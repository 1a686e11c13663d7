#!/usr/bin/env bash
# Says what a check did not run. $1: lines written by the steps, $2: the tests'
# events (test2json); when it is missing, the check ended before the tests.
set -euo pipefail

if [ ! -f "$2" ]; then
	echo "check: the tests did not run"
	exit 0
fi
skipped=$(grep -F '"Action":"skip"' "$2" | grep -F '"Test":' |
	sed -E 's/.*"Package":"([^"]*)".*"Test":"([^"]*)".*/\1 \2/' || true)
if [ ! -s "$1" ] && [ -z "$skipped" ]; then
	echo "check: everything ran"
	exit 0
fi
echo "check: did not run:"
[ ! -s "$1" ] || sed 's/^/  /' "$1"
[ -z "$skipped" ] || sed 's/^/  skipped test: /' <<<"$skipped"
