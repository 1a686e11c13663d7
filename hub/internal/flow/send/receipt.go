package send

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// Types of the receipts (Quittungen) to the sender.
const (
	TypeAccepted = "de.amtsbote.ereignis-angenommen.v1"
	TypeRefused  = "de.amtsbote.ereignis-abgelehnt.v1"
)

// ReceiptID is the id of the receipt for the sender of the message at a sequence of an in
// stream.
func ReceiptID(in string, seq uint64) string { return fmt.Sprintf("%s-%d-quittung", in, seq) }

// ReceiptSource is the source of receipts.
const ReceiptSource = federation.HubSource

// receipt is the data of both types.
type receipt struct {
	Event      receiptEvent      `json:"ereignis"`
	Case       string            `json:"vorgang,omitempty"`
	Digest     string            `json:"digest"`
	Decided    time.Time         `json:"entschieden"`
	Receivers  []receiptReceiver `json:"empfaenger,omitempty"`
	Reason     *receiptReason    `json:"grund,omitempty"`
	ClerkNeeds *receiptClerk     `json:"sachbearbeitung,omitempty"`
}

type receiptEvent struct {
	Source string `json:"source,omitempty"`
	ID     string `json:"id,omitempty"`
	Type   string `json:"type,omitempty"`
}

type receiptReceiver struct {
	Application string   `json:"fachverfahren"`
	Authority   string   `json:"behoerde,omitempty"`
	Agreement   string   `json:"regel"`
	Law         string   `json:"recht,omitempty"`
	Fields      []string `json:"felder,omitempty"`
}

type receiptReason struct {
	Code    string `json:"code"`
	At      string `json:"stelle,omitempty"`
	Keyword string `json:"regel,omitempty"`
	De      string `json:"satz"`
	En      string `json:"satzEn"`
	Hint    string `json:"hinweis,omitempty"` // a steward's words
}

type receiptClerk struct {
	Needed bool   `json:"erforderlich"`
	De     string `json:"satz"`
	En     string `json:"satzEn"`
}

// clerk is what the sending authority is told of an event with a block set. It
// stands in the sender's own receipt and nowhere else.
var clerk = receiptClerk{
	Needed: true,
	De:     "Das Ereignis trägt eine Sperre. Nur Empfänger, deren Übermittlungsregel das zulässt, bekommen es; an wen es darüber hinaus gehen darf, muss die Sachbearbeitung der absendenden Behörde entscheiden.",
	En:     "The event carries a block. Only receivers whose agreement admits that get it; a clerk of the sending authority must decide to whom else it may go.",
}

// Receipt gives the receipt for the sender of d: accepted, with the receivers, or
// refused, with the reason. e is nil when the event could not be read. The same
// decision and event give the same receipt.
func (s *Sender) Receipt(d *decision.Decision, e *event.Event) event.Message {
	r := receipt{
		Event: receiptEvent{d.Source, d.ID, d.Type}, Case: d.Case, Digest: "sha256:" + d.Digest, Decided: d.Decided,
	}
	typ := TypeAccepted
	if d.Outcome != hub.Routed {
		typ = TypeRefused
		r.Reason = &receiptReason{Code: string(d.Code), At: d.At, Keyword: d.Keyword, De: d.Code.Sentence("de"), En: d.Code.Sentence("en")}
	}
	for _, to := range d.Receivers {
		r.Receivers = append(r.Receivers, receiptReceiver{to.Application, to.Authority, to.Agreement, to.Law, to.Fields})
	}
	if e != nil && s.blocked(d, e) {
		r.ClerkNeeds = &clerk
	}
	return receiptMessage(d, e, typ, r)
}

// blocked tells whether a block is set in an event that was found valid.
func (s *Sender) blocked(d *decision.Decision, e *event.Event) bool {
	schema, ok := s.schemas.Lookup(d.Type)
	if !ok || len(schema.Sperren) == 0 || d.Outcome == hub.Quarantined {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(e.Data))
	dec.UseNumber()
	var doc any
	return dec.Decode(&doc) == nil && len(schema.Blocked(doc)) > 0
}

func receiptMessage(d *decision.Decision, e *event.Event, typ string, r receipt) event.Message {
	id := ReceiptID(d.In, d.Seq)
	key := id
	if e != nil {
		key = e.Key()
	}
	h := receiptHeader(id, decision.Ref{In: d.In, Seq: d.Seq}, typ, key, d.ID, d.Case, d.Decided)
	data, err := json.Marshal(r)
	if err != nil {
		data = nil // texts and times can always be encoded
	}
	return event.Message{Subject: "out." + d.Receipt + "." + typ, Header: h, Data: data}
}
