package send

import (
	"encoding/json"
	"fmt"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// givenBackSuffix ends the id of the receipt for an event that a steward gives back from
// quarantine: its sender has had one before.
const givenBackSuffix = "-zurueck"

// GivenBackID is the id of the receipt that tells the sender that a steward gives an event
// back.
func GivenBackID(in string, seq uint64) string { return ReceiptID(in, seq) + givenBackSuffix }

// GivenBack gives the receipt for the sender of d, which a steward gives back from
// quarantine; hint is what they say to it. Its subject is its own, so that it is stored
// once. e is nil when the event could not be read.
func GivenBack(d *decision.Decision, e *event.Event, hint string) event.Message {
	r := receipt{
		Event: receiptEvent{d.Source, d.ID, d.Type}, Case: d.Case, Digest: "sha256:" + d.Digest, Decided: d.Decided,
		Reason: &receiptReason{Code: string(d.Code), De: d.Code.Sentence("de"), En: d.Code.Sentence("en"), Hint: hint},
	}
	id := GivenBackID(d.In, d.Seq)
	key := id
	if e != nil {
		key = e.Key()
	}
	h := receiptHeader(id, decision.Ref{In: d.In, Seq: d.Seq}, TypeRefused, key, d.ID, d.Case, d.Decided)
	data, err := json.Marshal(r)
	if err != nil {
		data = nil // texts and times can always be encoded
	}
	return event.Message{Subject: fmt.Sprintf("out.%s.%s.%s-%d%s", d.Receipt, TypeRefused, d.In, d.Seq, givenBackSuffix), Header: h, Data: data}
}
