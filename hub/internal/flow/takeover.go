package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// takeOver makes this lane the owner of its in stream: it fences the one
// before, reads the trail to its end, carries out what was decided but not
// carried out, and sets the work consumer behind the cursor.
func (l *Lane) takeOver(ctx context.Context) error {
	for _, t := range append(l.targets(), l.trail) {
		if err := t.load(ctx); err != nil {
			return err
		}
	}
	epoch := l.trail.at.Epoch + 1
	if err := l.bump(ctx, l.trail, epoch, l.trail.at.Trail); err != nil {
		return err
	}
	// before anything is parked that was to go, the owner before must not be
	// able to carry it out any more, nor to park anything unseen
	for _, t := range l.targets() {
		c := t.at
		c.Epoch = epoch
		if err := l.persist(ctx, t, newBatch(c, nil)); err != nil {
			return err
		}
	}
	if err := l.Parking.open(ctx); err != nil {
		return err
	}
	if err := l.learnOwed(ctx); err != nil {
		return err
	}
	if err := l.Bus.Read(ctx, bus.Trail, l.Index.Applied()+1, nil, l.Index.Apply); err != nil {
		return fmt.Errorf("read the trail to its end: %w", err)
	}
	if err := l.catchUp(ctx); err != nil {
		return err
	}
	for _, t := range l.targets() {
		if err := l.bump(ctx, t, epoch, l.trail.last); err != nil {
			return err
		}
	}
	l.paying = false
	l.Parking.carried(l.In, l.trail.at.Seq)
	return l.work.Reset(ctx, l.trail.at.Seq+1)
}

// bump writes the cursor anew, all before it being complete: a batch of the
// owner before is refused from here on.
func (l *Lane) bump(ctx context.Context, t *target, epoch, trailSeq uint64) error {
	c := t.at
	if t != l.trail {
		c.Seq, c.Part = l.trail.at.Seq, 0
	}
	c.Epoch, c.Trail = epoch, trailSeq
	return l.persist(ctx, t, newBatch(c, nil))
}

// targets are the streams in which decisions are carried out.
func (l *Lane) targets() []*target { return []*target{l.out, l.quarantine, l.parked} }

// catchUp carries out the decisions that are in the trail but not yet in OUT,
// QUARANTINE or PARKED. They are not decided anew.
func (l *Lane) catchUp(ctx context.Context) error {
	l.version = l.Current()
	behind, from := l.trail.at.Seq, l.trail.last
	for _, t := range l.targets() {
		behind, from = min(behind, t.at.Seq), min(from, t.at.Trail)
	}
	if behind >= l.trail.at.Seq {
		return nil
	}
	todo, err := l.recorded(ctx, from+1)
	if err != nil {
		return fmt.Errorf("carry out recorded decisions: %w", err)
	}
	todo = slices.DeleteFunc(todo, l.lost)
	for len(todo) > 0 {
		msgs, err := l.decided(ctx, todo)
		if err != nil {
			return fmt.Errorf("carry out recorded decisions: %w", err)
		}
		if err := l.execute(ctx, todo[:len(msgs)], msgs); err != nil {
			return fmt.Errorf("carry out recorded decisions: %w", err)
		}
		todo = todo[len(msgs):]
	}
	return nil
}

// lost tells whether the event of d was lost with its store and a person has
// taken note of it: there is nothing to carry out.
func (l *Lane) lost(d *decision.Decision) bool {
	return l.Ledger != nil && l.Ledger.Settled(l.In, d.Seq)
}

// decided reads the events of the first of some decisions from the store.
func (l *Lane) decided(ctx context.Context, ds []*decision.Decision) (msgs []*event.Message, err error) {
	for i, d := range ds[:min(len(ds), maxEvents)] {
		m, err := l.Bus.At(ctx, l.In, d.Seq, ">")
		if err != nil {
			return nil, err
		}
		if m == nil || m.Seq != d.Seq {
			return nil, errors.Join(errLost, fmt.Errorf("%s sequence %d, event id %q", l.In, d.Seq, d.ID))
		}
		if msgs = append(msgs, m); portion(ds[:i+1], msgs) <= i {
			return msgs[:i], nil
		}
	}
	return msgs, nil
}

// recorded reads what is still to be stored, in sequence. An event that was
// decided to go and could not has a second record, which counts.
func (l *Lane) recorded(ctx context.Context, from uint64) ([]*decision.Decision, error) {
	var ds []*decision.Decision
	place := map[uint64]int{}
	err := l.Bus.Read(ctx, bus.Trail, from, []string{"trail.decision." + l.In + ".>"}, func(record *event.Message) error {
		d, err := trail.ReadDecision(record)
		if err != nil {
			return err
		}
		if i, twice := place[d.Seq]; twice {
			if d.Outcome == hub.Parked {
				ds[i] = d
			}
			return nil
		}
		place[d.Seq] = len(ds)
		ds = append(ds, d)
		return nil
	})
	return slices.DeleteFunc(ds, func(d *decision.Decision) bool { return !l.pending(d) }), err
}

// pending tells whether what d says is still to be stored.
func (l *Lane) pending(d *decision.Decision) bool {
	switch d.Outcome {
	case hub.Routed:
		return d.Seq > l.out.at.Seq
	case hub.Quarantined, hub.Unrouted:
		if d.Code == refusal.Returned { // that is Parking's to carry out
			return false
		}
		return d.Seq > l.quarantine.at.Seq || d.Receipt != "" && d.Seq > l.out.at.Seq
	case hub.Parked:
		return d.Seq > l.parked.at.Seq && !d.Stays()
	}
	return false
}

// moveUp writes the cursors of OUT, QUARANTINE and PARKED anew where they are more than
// lag behind the trail's because nothing was stored there.
func (l *Lane) moveUp(ctx context.Context, lag uint64) error {
	for _, t := range l.targets() {
		if l.trail.at.Seq > t.at.Seq+lag {
			if err := l.bump(ctx, t, l.trail.at.Epoch, l.trail.last); err != nil {
				return err
			}
		}
	}
	return nil
}

// errLost means damage: a decided event that is not carried out yet is no
// longer in its in stream.
var errLost = errors.New("the store is damaged: a decided event is missing in its in stream")
