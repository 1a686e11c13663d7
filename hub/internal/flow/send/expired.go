package send

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TypeExpired is the type of the receipt for a copy that nobody took in time.
const TypeExpired = "de.amtsbote.ereignis-verfallen.v1"

// expiredSuffix ends the id of such a receipt.
const expiredSuffix = "-verfallen"

// expiredReceipt is its data.
type expiredReceipt struct {
	Event    receiptEvent    `json:"ereignis"`
	Case     string          `json:"vorgang,omitempty"`
	Receiver expiredReceiver `json:"empfaenger"`
	Due      time.Time       `json:"frist"`
	Expired  time.Time       `json:"verfallen"`
}

type expiredReceiver struct {
	Application string `json:"fachverfahren"`
	Agreement   string `json:"regel"`
}

// Expired gives the receipt for the sender of a copy that expired, from its
// record alone: the same record gives the same receipt.
func Expired(d *decision.Delivery) event.Message {
	x := d.Expiry
	r := expiredReceipt{
		Event: receiptEvent{x.Source, d.ID, x.Type}, Case: x.Case,
		Receiver: expiredReceiver{d.Mailbox, x.Agreement}, Due: x.Due, Expired: d.At,
	}
	id := fmt.Sprintf("%s-%d-%s", d.In, d.Seq, d.Mailbox) + expiredSuffix
	key := x.Case
	if key == "" {
		key = id
	}
	h := receiptHeader(id, decision.Ref{In: d.In, Seq: d.Seq}, TypeExpired, key, d.ID, x.Case, d.At)
	data, err := json.Marshal(r)
	if err != nil {
		data = nil // texts and times can always be encoded
	}
	return event.Message{Subject: "out." + x.Receipt + "." + TypeExpired, Header: h, Data: data}
}

// receiptHeader makes the headers of any receipt; of and cause name the event
// that it is about, by its place and its id.
func receiptHeader(id string, of decision.Ref, typ, key, cause, caseID string, at time.Time) map[string][]string {
	h := map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {id}, "ce-source": {ReceiptSource}, "ce-type": {typ},
		"ce-time": {at.UTC().Format(time.RFC3339Nano)}, "ce-datacontenttype": {"application/json"},
		"Content-Type":       {"application/json"},
		event.HeaderDelivery: {id}, event.HeaderKey: {event.PercentEncode(key)},
		event.HeaderIn: {of.In}, event.HeaderSeq: {fmt.Sprint(of.Seq)},
	}
	if cause != "" {
		h["ce-"+hub.AttrCausationID] = []string{event.PercentEncode(cause)}
	}
	if caseID != "" {
		h["ce-"+hub.AttrCorrelationID] = []string{event.PercentEncode(caseID)}
	}
	return h
}
