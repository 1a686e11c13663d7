#!/usr/bin/env bash
# Installs the Debian packages that tests need, or says which are missing.
# $1: file for what could not be done.
set -euo pipefail

missing=()
command -v xmllint >/dev/null || missing+=(libxml2-utils) # the XSD oracle
command -v curl >/dev/null || missing+=(curl)             # the HTTP commands of the READMEs
command -v gcc >/dev/null || missing+=(gcc libc6-dev)     # the race detector

if [ ${#missing[@]} -eq 0 ]; then
	echo "prepare: nothing is missing"
	exit 0
fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
	exit 0
fi
echo "prepare: not installed (needs root and apt-get): ${missing[*]}" | tee -a "$1"
