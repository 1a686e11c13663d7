#!/usr/bin/env bash
# Installs the Debian packages that tests need, or says which are missing, and has
# the nats command built that a test starts.
# $1: file for what could not be done.
set -euo pipefail

missing=()
command -v xmllint >/dev/null || missing+=(libxml2-utils) # the XSD oracle
command -v curl >/dev/null || missing+=(curl)             # the HTTP commands of the READMEs
command -v gcc >/dev/null || missing+=(gcc libc6-dev)     # the race detector
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || missing+=(postgresql) # outbox and inbox
[ -x /usr/sbin/sshd ] || missing+=(openssh-server)        # SFTP against a server of others
/usr/bin/python3 -c "import jwcrypto" 2>/dev/null || missing+=(python3-jwcrypto) # JOSE of others
[ -x /usr/sbin/apache2 ] || missing+=(apache2-bin)        # WebDAV against a server of others (mod_dav); without its service
# examples/clients, adapters/digiwf (node, npm)
command -v curl >/dev/null || missing+=(curl)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v javac >/dev/null || missing+=(default-jdk-headless)

# e2e
command -v chromium >/dev/null || missing+=(chromium)

if [ ${#missing[@]} -eq 0 ]; then
	echo "prepare: nothing is missing"
elif [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
else
	echo "prepare: not installed (needs root and apt-get): ${missing[*]}" | tee -a "$1"
fi

if [ "$(id -u)" -eq 0 ]; then
	mkdir -p /run/sshd # root's sshd wants it; a start of the service would make it
fi

natscli=$(grep -o 'github.com/nats-io/natscli/nats@[^ ]*' examples/clients/nats/client.sh)
CGO_ENABLED=0 go run "$natscli" --version >/dev/null ||
	echo "prepare: not built: $natscli" | tee -a "$1"

# A Matrix server to try kind matrix against: a module of its own, built once for each
# version and kept in Go's build cache, where its test looks for it.
dendrite=$(go env GOCACHE)/amtsbote/dendrite-$(sed -n 's,.*matrix-org/dendrite \(v[^ ]*\).*,\1,p' tools/dendrite/go.mod)
if [ ! -x "$dendrite" ]; then
	CGO_ENABLED=0 go build -modfile=tools/dendrite/go.mod -ldflags='-s -w' -o "$dendrite" github.com/matrix-org/dendrite/cmd/dendrite ||
		echo "prepare: not built: $dendrite" | tee -a "$1"
fi
