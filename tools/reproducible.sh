#!/usr/bin/env bash
# Builds again from a copy of this folder elsewhere, with an empty build cache,
# and compares with what "task build" made. $1: for one in so many commits (1: each),
# since it is the longest part of a check; $2: where is noted that this is none of them;
# $3: that binary; the rest: the build command.
set -euo pipefail
every=$1 noted=$2 binary=$3
shift 3

hash=$(git rev-parse HEAD 2>/dev/null || echo 00) # a source archive has none: it proves it
if [ $((16#${hash: -2} % every)) -ne 0 ]; then
	echo "reproducible: one in $every commits proves it, this is none (task reproducible does it now)" | tee -a "$noted"
	exit 0
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/source"
tar --exclude=./.git --exclude=./bin --exclude=./dist -cf - . | tar -xf - -C "$copy/source"
(cd "$copy/source" && GOCACHE="$copy/cache" "$@" -o "$copy/binary" ./hub/cmd/amtsbote)

here=$(sha256sum <"$binary")
there=$(sha256sum <"$copy/binary")
echo "reproducible: ${here%% *} here, ${there%% *} in $copy/source"
[ "$here" = "$there" ]
