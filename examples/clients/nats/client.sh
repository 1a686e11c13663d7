#!/usr/bin/env bash
# The round trip with Amtsbote over NATS, with the command nats.
#
#   go install github.com/nats-io/natscli/nats@v0.5.1
#   export AMTSBOTE_NATS=127.0.0.1:4222 AMTSBOTE_APP=rz.melderegister AMTSBOTE_CREDS=rz.melderegister.creds
#   ./client.sh send ../daten.json
#   ./client.sh receive        # with the receiver's AMTSBOTE_APP and AMTSBOTE_CREDS
set -euo pipefail

mailbox=${AMTSBOTE_APP/./_}
call() {
	nats --server "$AMTSBOTE_NATS" --creds "$AMTSBOTE_CREDS" --js-domain hub \
		--inbox-prefix "_INBOX_$mailbox" --timeout 20s "$@" # the only inbox that this application may listen to
}

send() {
	local id type=de.meldewesen.wohnung-angemeldet.v1
	id=$(cat /proc/sys/kernel/random/uuid)
	# binary mode: attributes as headers, the body is the data
	call request "in.$AMTSBOTE_APP.$type" --raw \
		--header "ce-specversion:1.0" \
		--header "ce-id:$id" \
		--header "ce-source:urn:de:dvdv:ags:00000001" \
		--header "ce-type:$type" \
		--header "ce-time:$(date --utc +%FT%TZ)" \
		--header "Content-Type:application/json" \
		"$(cat "$1")" |
		grep '"seq"' # JetStream's acknowledgement: stored and synced to disk
	echo "sent $id"
}

receive() {
	# takes one event, prints it, acknowledges it
	call consumer next OUT "$mailbox"
}

"$@"
