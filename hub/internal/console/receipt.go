package console

import (
	"cmp"
	"slices"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// receiptView is a receipt (Quittung) to the sender, and what became of it.
type receiptView struct {
	Says  string
	About string       // the receiver whose copy it is about; "" for the event itself
	To    string       // application in whose mailbox it lies
	Copy  *search.Copy // nil: it waits
}

// receipts are those about an event; its sender alone has them.
func (q *request) receipts(e *explain.Event) ([]receiptView, error) {
	copies, err := q.cfg.Hub.Search().Copies(e.Decision.In, e.Decision.Seq)
	if err != nil {
		return nil, err
	}
	var out []receiptView
	add := func(says, about, to, id string) {
		if to == "" {
			return
		}
		v := receiptView{Says: says, About: about, To: to}
		if i := slices.IndexFunc(copies, func(c search.Copy) bool { return c.ID == id && c.Mailbox == to && c.Result != decision.Parked }); i >= 0 {
			v.Copy = &copies[i]
		}
		out = append(out, v)
	}
	box := "" // what a person decides does not say where receipts go
	for _, d := range append(slices.Clone(e.Before), e.Decision) {
		switch box = cmp.Or(d.Receipt, box); {
		case d.Code.ByPerson() || d.Outcome == hub.Parked:
		case d.Outcome == hub.Routed:
			add(q.t.ReceiptAccepted, "", d.Receipt, send.ReceiptID(d.In, d.Seq))
		default:
			add(q.t.ReceiptRefused, "", d.Receipt, send.ReceiptID(d.In, d.Seq))
		}
	}
	for _, a := range e.Acts {
		if a.Act == decision.ActQuarantineReturn {
			add(q.t.ReceiptGivenBack, "", box, send.GivenBackID(e.Decision.In, e.Decision.Seq))
		}
	}
	for _, d := range e.Deliveries {
		if d.Handed != nil {
			add(q.t.ReceiptDelivered, d.Mailbox, d.Handed.Receipt, send.DeliveredID(d))
		}
		if d.Expiry != nil {
			add(q.t.ReceiptExpired, d.Mailbox, d.Expiry.Receipt, send.ExpiredID(d))
		}
	}
	return out, nil
}

// held tells how the data of an event was found when it was held to the schema of its
// type; "" when nothing says so.
func (m *messages) held(d *decision.Decision, lang string) string {
	switch {
	case d.Outcome == hub.Routed || d.Outcome == hub.Unrouted && !d.Code.ByPerson():
		return m.SchemaHolds
	case d.Code == refusal.SchemaInvalid:
		return m.SchemaBroken + " " + refusal.RuleSentence(d.Keyword, lang)
	case d.Outcome == hub.Quarantined && !d.Code.ByPerson():
		return m.SchemaNotAsked
	}
	return ""
}
