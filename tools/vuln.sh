#!/usr/bin/env bash
# govulncheck over the whole module. $1: file for what could not be done.
#
# A vulnerability whose code is reached fails the check when it is in a module:
# its version stands in go.mod, so we can mend it. One in the standard library
# is printed only: it belongs to the Go that is installed here, and a release is
# built with the newest patch of Go (hub/adr/0004-tools.md).
set -euo pipefail

database=()
if [ -f ../shared/vulndb.tgz ]; then
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	tar -xzf ../shared/vulndb.tgz -C "$folder"
	index=$(find "$folder" -path '*/index/db.json' -print -quit)
	[ -n "$index" ] || { echo "vuln: vulndb.tgz holds no index/db.json" >&2; exit 1; }
	database=(-db "file://${index%/index/db.json}")
fi

status=0
report=$(go tool -modfile=tools/go.mod govulncheck "${database[@]}" ./... 2>&1) || status=$?
echo "$report"

case $status in
0) exit 0 ;;
3) ;; # found some
*)
	if [ ${#database[@]} -eq 0 ] && grep -qF 'https://vuln.go.dev' <<<"$report"; then
		echo "vuln: the database https://vuln.go.dev did not answer, nothing was checked" | tee -a "$1"
		exit 0
	fi
	exit "$status"
	;;
esac

# Whatever is not clearly the standard library counts as a module's.
all=$(grep -c '^Vulnerability #' <<<"$report" || true)
std=$(grep -c '^  Standard library$' <<<"$report" || true)
if [ "$all" -gt 0 ] && [ "$all" -eq "$std" ]; then
	echo "vuln: all $all are in the standard library of $(go env GOVERSION): build releases with the newest patch"
	exit 0
fi
echo "vuln: $((all - std)) of $all are in modules: raise them in go.mod" >&2
exit 1
