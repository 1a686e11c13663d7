#!/usr/bin/env bash
# The round trip with Amtsbote over HTTP, with curl alone: send an event, lease its
# copy, settle it.
#
#   export AMTSBOTE_URL=http://127.0.0.1:8080 AMTSBOTE_TOKEN=...
#   ./client.sh send ../daten.json
#   ./client.sh receive        # with the receiver's AMTSBOTE_TOKEN and AMTSBOTE_APP
set -euo pipefail

# The token comes by a file descriptor: everybody may read a process's arguments.
call() {
	curl --silent --show-error --fail-with-body --max-time 60 \
		--header @<(echo "Authorization: Bearer $AMTSBOTE_TOKEN") "$@"
}

send() {
	local id
	id=$(cat /proc/sys/kernel/random/uuid)
	# binary mode: attributes as headers, the body is the data
	call "$AMTSBOTE_URL/events" \
		--header "ce-specversion: 1.0" \
		--header "ce-id: $id" \
		--header "ce-source: urn:de:dvdv:ags:00000001" \
		--header "ce-type: de.meldewesen.wohnung-angemeldet.v1" \
		--header "ce-time: $(date --utc +%FT%TZ)" \
		--header "Content-Type: application/json" \
		--data-binary @"$1"
	echo
	echo "sent $id" # 202: stored and synced to disk
}

receive() {
	local mailbox=$AMTSBOTE_URL/mailboxes/$AMTSBOTE_APP answer token
	answer=$(call "$mailbox/lease" --json '{"max": 1, "wait": 20, "lease": 60}')
	[[ $answer == *'"token":"'* ]] || { echo "nothing came" >&2 && exit 1; }
	echo "received $answer" # your work
	token=${answer#*'"token":"'} # the first member; use jq in your application
	token=${token%%'"'*}
	call "$mailbox/settle" --json "[{\"token\": \"$token\", \"outcome\": \"done\"}]" |
		grep '"result":"done"' # anything else: it comes again
}

"$@"
