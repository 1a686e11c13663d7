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

// TypeDelivered is the type of the receipt for a copy that was handed over, where
// the agreement asks for it.
const TypeDelivered = "de.amtsbote.ereignis-zugestellt.v1"

// The ids of receipts about a copy end so.
const (
	expiredSuffix   = "-verfallen"
	deliveredSuffix = "-zugestellt"
)

// expiredReceipt is its data.
type expiredReceipt struct {
	Event    receiptEvent `json:"ereignis"`
	Case     string       `json:"vorgang,omitempty"`
	Receiver copyReceiver `json:"empfaenger"`
	Due      time.Time    `json:"frist"`
	Expired  time.Time    `json:"verfallen"`
}

// deliveredReceipt is the data of a receipt for a copy that was handed over.
type deliveredReceipt struct {
	Event     receiptEvent `json:"ereignis"`
	Case      string       `json:"vorgang,omitempty"`
	Receiver  copyReceiver `json:"empfaenger"`
	Delivered time.Time    `json:"zugestellt"`
}

// copyReceiver is whose copy it was.
type copyReceiver struct {
	Application string `json:"fachverfahren"`
	Agreement   string `json:"regel"`
}

// Expired gives the receipt for the sender of a copy that expired, from its
// record alone: the same record gives the same receipt.
func Expired(d *decision.Delivery) event.Message {
	x := d.Expiry
	return aboutCopy(d, &x.Told, TypeExpired, expiredSuffix, expiredReceipt{
		Event: receiptEvent{x.Source, d.ID, x.Type}, Case: x.Case,
		Receiver: copyReceiver{d.Mailbox, x.Agreement}, Due: x.Due, Expired: d.At,
	})
}

// Delivered gives the receipt for the sender of a copy that was handed over, from
// its record alone.
func Delivered(d *decision.Delivery) event.Message {
	x := d.Handed
	return aboutCopy(d, x, TypeDelivered, deliveredSuffix, deliveredReceipt{
		Event: receiptEvent{x.Source, d.ID, x.Type}, Case: x.Case,
		Receiver: copyReceiver{d.Mailbox, x.Agreement}, Delivered: d.At,
	})
}

// ExpiredID is the id of the receipt that Expired gives.
func ExpiredID(d *decision.Delivery) string { return aboutCopyID(d, expiredSuffix) }

// DeliveredID is the id of the receipt that Delivered gives.
func DeliveredID(d *decision.Delivery) string { return aboutCopyID(d, deliveredSuffix) }

func aboutCopyID(d *decision.Delivery, suffix string) string {
	return fmt.Sprintf("%s-%d-%s", d.In, d.Seq, d.Mailbox) + suffix
}

// aboutCopy makes a receipt about one copy.
func aboutCopy(d *decision.Delivery, to *decision.Told, typ, suffix string, r any) event.Message {
	id := aboutCopyID(d, suffix)
	key := to.Case
	if key == "" {
		key = id
	}
	h := receiptHeader(id, decision.Ref{In: d.In, Seq: d.Seq}, typ, key, d.ID, to.Case, d.At)
	data, err := json.Marshal(r)
	if err != nil {
		data = nil // texts and times can always be encoded
	}
	return event.Message{Subject: "out." + to.Receipt + "." + typ, Header: h, Data: data}
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
