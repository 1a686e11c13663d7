// Package explain answers "what happened to this event, and why" from the
// trail: received, checked, matched which agreement, which fields were
// disclosed, every outcome. "Not found" is an answer too.
package explain

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// Event is all that the trail knows of one message in an in stream.
type Event struct {
	Decision   *decision.Decision
	Deliveries []*decision.Delivery
	// Parked are the records of copies that were parked; their end, if they have
	// one, stands in Deliveries.
	Parked []*decision.Delivery
	// Replayed is what replays decided about the event, in order, each with what became of
	// its copy.
	Replayed []*Replayed
	// Before are earlier decisions on the same message: it was to go and was
	// parked, or it was parked and was returned.
	Before []*decision.Decision
	// Acts are what people had done to it in quarantine.
	Acts []*decision.Act
	// Continued is where a parked event was decided anew when it was released.
	Continued *decision.Ref
	// Removed is when the event went from its in stream, having been kept as long
	// as its type says; zero while it is there. What the trail knows stays.
	Removed time.Time
	// Records are the sequences in TRAIL of what was decided: of Before, and of Decision.
	Records []uint64
}

// Answer is what the trail says about an event id. An id can stand for several
// messages: duplicates, conflicts, or events of different sources.
type Answer struct {
	ID     string
	Events []*Event
	// Latest is the last decision of each in stream; filled when nothing was
	// found.
	Latest []*decision.Decision
}

// Explain collects what is recorded about id.
func Explain(ctx context.Context, b *bus.Bus, id string) (*Answer, error) {
	records, err := about(ctx, b, id)
	if err != nil {
		return nil, err
	}
	return Of(ctx, b, id, records)
}

// Of is Explain from the messages of the trail that say something of id, in their order;
// others may be among them.
func Of(ctx context.Context, b *bus.Bus, id string, records []*event.Message) (a *Answer, err error) {
	a = &Answer{ID: id}
	byRef := map[decision.Ref]*Event{}
	var outcomes []*event.Message // one may stand before its decision (ADR 25)
	for _, m := range records {
		switch decision.Kind(m.Subject) {
		case decision.KindDecision:
			err = a.decided(m, byRef)
		case decision.KindAct:
			err = acted(m, id, byRef)
		case decision.KindReplay:
			err = replayed(m, id, byRef)
		default:
			outcomes = append(outcomes, m)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, m := range outcomes {
		if err := delivered(m, id, byRef); err != nil {
			return nil, err
		}
	}
	for _, e := range a.Events {
		if err := removed(ctx, b, e); err != nil {
			return nil, err
		}
	}
	if len(a.Events) == 0 {
		a.Latest, err = latest(ctx, b)
	}
	return a, err
}

// about gives the messages of the trail that may say something of an id, in their
// order: those of its shard, and packs that may hold it.
func about(ctx context.Context, b *bus.Bus, id string) ([]*event.Message, error) {
	var out []*event.Message
	shard := event.Shard(id)
	err := b.Read(ctx, bus.Trail, 1, []string{"trail.decision.*." + shard, "trail.delivery.*." + shard, decision.ClearedOf(shard), "trail." + decision.KindReplay + ".*." + shard}, func(m *event.Message) error {
		is, err := isAbout(m, id) // of a long trail little is kept
		if is {
			out = append(out, m)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var packs []uint64
	err = b.Headers(ctx, bus.Trail, 1, []string{decision.PackSubject("*")}, func(m *event.Message) error {
		if trail.MayBeAbout(m, id) {
			packs = append(packs, m.Seq)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, seq := range packs {
		m, err := b.Get(ctx, bus.Trail, seq)
		if err != nil {
			return nil, err
		}
		if m != nil {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *event.Message) int { return cmp.Compare(a.Seq, b.Seq) })
	return out, nil
}

func isAbout(m *event.Message, id string) (bool, error) {
	switch decision.Kind(m.Subject) {
	case decision.KindAct:
		a, err := trail.ReadAct(m)
		return err == nil && a.Cleared != nil && a.ID == id, err
	case decision.KindDelivery:
		d, err := trail.ReadDelivery(m)
		return err == nil && d.ID == id, err
	case decision.KindReplay:
		d, err := trail.ReadReplayed(m)
		return err == nil && d.ID == id, err
	}
	ds, err := trail.ReadDecisions(m)
	return slices.ContainsFunc(ds, func(d *decision.Decision) bool { return d.ID == id }), err
}

func (a *Answer) decided(m *event.Message, byRef map[decision.Ref]*Event) error {
	ds, err := trail.ReadDecisions(m)
	for _, d := range ds {
		if d.ID == a.ID {
			a.add(d, m.Seq, byRef)
		}
	}
	return err
}

func (a *Answer) add(d *decision.Decision, at uint64, byRef map[decision.Ref]*Event) {
	ref := decision.Ref{In: d.In, Seq: d.Seq}
	if e := byRef[ref]; e != nil {
		e.Before, e.Decision, e.Records = append(e.Before, e.Decision), d, append(e.Records, at)
		return
	}
	e := &Event{Decision: d, Records: []uint64{at}}
	a.Events = append(a.Events, e)
	byRef[ref] = e
	if d.Released != nil && byRef[*d.Released] != nil {
		byRef[*d.Released].Continued = &ref
	}
}

func delivered(m *event.Message, id string, byRef map[decision.Ref]*Event) error {
	d, err := trail.ReadDelivery(m)
	if err != nil || d.ID != id {
		return err
	}
	e := byRef[decision.Ref{In: d.In, Seq: d.Seq}]
	if e == nil {
		return nil
	}
	if d.Replay != "" {
		e.endReplay(d)
		return nil
	}
	if d.Result == decision.Parked {
		e.Parked = append(e.Parked, d)
		return nil
	}
	for _, known := range e.Deliveries {
		if known.Mailbox == d.Mailbox {
			return nil // recorded twice after a crash; the first counts
		}
	}
	e.Deliveries = append(e.Deliveries, d)
	return nil
}

func latest(ctx context.Context, b *bus.Bus) ([]*decision.Decision, error) {
	ins, err := b.InStreams(ctx)
	if err != nil {
		return nil, err
	}
	var out []*decision.Decision
	for _, in := range ins {
		m, err := b.Last(ctx, bus.Trail, "trail.decision."+in+".>")
		if err != nil {
			return nil, err
		}
		if m == nil {
			continue
		}
		ds, err := trail.ReadDecisions(m)
		if err != nil {
			return nil, err
		}
		out = append(out, ds[len(ds)-1])
	}
	return out, nil
}

// Delivery finds the outcome at a receiver; nil while there is none.
func (e *Event) Delivery(application string) *decision.Delivery {
	for _, d := range e.Deliveries {
		if d.Mailbox == application {
			return d
		}
	}
	return nil
}

// Lasted is how long the way to a receiver took.
func (e *Event) Lasted(d *decision.Delivery) time.Duration {
	return d.At.Sub(e.Decision.Stored).Round(time.Millisecond)
}
