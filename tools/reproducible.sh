#!/usr/bin/env bash
# Builds again from a copy of this folder elsewhere, with an empty build cache,
# and compares with what "task build" made. $1: that binary; the rest: the build
# command.
set -euo pipefail
binary=$1
shift

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/source"
tar --exclude=./.git --exclude=./bin --exclude=./dist -cf - . | tar -xf - -C "$copy/source"
(cd "$copy/source" && GOCACHE="$copy/cache" "$@" -o "$copy/binary" ./hub/cmd/amtsbote)

here=$(sha256sum <"$binary")
there=$(sha256sum <"$copy/binary")
echo "reproducible: ${here%% *} here, ${there%% *} in $copy/source"
[ "$here" = "$there" ]
