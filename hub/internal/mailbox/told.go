package mailbox

import (
	"context"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
)

// Handed is what the sender of a copy is told when it was handed over; nil when
// the agreement does not ask for that. The copy is whole.
func Handed(m *event.Message) *decision.Told {
	if m.Get(event.HeaderConfirm) == "" {
		return nil
	}
	t := Told(m)
	return &t
}

// Told gathers from a whole copy what a receipt about it needs.
func Told(m *event.Message) decision.Told {
	t := decision.Told{Agreement: m.Get(event.HeaderAgreement), Receipt: m.Get(event.HeaderReceipt)}
	if e, refused := accept.Decode(m); refused == nil {
		t.Source, t.Type, t.Case = e.Source(), e.Type(), e.Attributes.Value(hub.AttrCorrelationID)
	}
	return t
}

// handed is Handed of a copy that may be lean.
func (b *Mailbox) handed(ctx context.Context, m *event.Message) (*decision.Told, error) {
	if m.Get(event.HeaderConfirm) == "" {
		return nil, nil //nolint:nilnil // nobody is to be told
	}
	m, err := b.whole(ctx, m)
	if err != nil {
		return nil, err
	}
	return Handed(m), nil
}
