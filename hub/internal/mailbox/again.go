package mailbox

import (
	"context"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// again hears an acknowledgement of a copy that has ended: nil when the trail says the
// same of it. Otherwise JetStream lets go of the copy, and nobody is told that what he
// says was recorded.
func (a *Acks) again(ctx context.Context, m *event.Message, verb bus.Verb) error {
	d, err := a.ended(ctx, m)
	if err != nil {
		return err
	}
	said := decision.Done
	if verb == bus.VerbRefuse {
		said = decision.Refused
	}
	if d != nil && d.Result == said {
		return nil
	}
	return cmpErr(a.Bus.LetGo(a.Application, m.Seq), bus.ErrNotYours)
}

// ended gives the last record of how a copy ended; nil when there is none.
func (a *Acks) ended(ctx context.Context, m *event.Message) (d *decision.Delivery, err error) {
	subject := (&decision.Delivery{Mailbox: a.Application, ID: idOf(m)}).Subject()
	look := func(r *event.Message) error {
		one, err := trail.ReadDelivery(r)
		if err == nil && one.Mailbox == a.Application && one.Out == m.Seq && one.Result != decision.Parked {
			d = one
		}
		return err
	}
	last, err := a.Bus.Last(ctx, bus.Trail, subject)
	if err != nil || last == nil {
		return nil, err
	}
	if err := look(last); err != nil || d != nil { // mostly it is that
		return d, err
	}
	from, err := a.Bus.Since(ctx, bus.Trail, m.Time.Add(-clocks), last.Seq)
	if err == nil {
		err = a.Bus.Often(ctx, bus.Trail, from, []string{subject}, look)
	}
	return d, err
}

// clocks is how far a server's clock may be set back between two writes.
const clocks = time.Minute
