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
)

// takeOver makes this lane the owner of its in stream: it fences the one
// before, reads the trail to its end, carries out what was decided but not
// carried out, and sets the work consumer behind the cursor.
func (l *Lane) takeOver(ctx context.Context) error {
	if err := l.seize(ctx); err != nil {
		return err
	}
	if err := l.beside(ctx); err != nil {
		return err
	}
	if err := l.Parking.open(ctx); err != nil {
		return err
	}
	if err := l.learnOwed(ctx); err != nil {
		return err
	}
	if err := l.learn(ctx); err != nil {
		return err
	}
	if err := l.catchUp(ctx); err != nil {
		return err
	}
	l.trail.taking = false
	for _, t := range l.targets() {
		t.taking = false
		if err := l.bump(ctx, t, l.trail.at.Epoch, l.trail.last); err != nil {
			return err
		}
	}
	l.paying, l.base = false, l.trail.at
	l.carriedOut(l.trail.at.Seq)
	if err := l.retell(ctx); err != nil {
		return err
	}
	return l.work.Reset(ctx, l.trail.at.Seq+1)
}

// seize fences the owner before everywhere, and has all that it decided in the trail.
func (l *Lane) seize(ctx context.Context) error {
	for _, t := range append(l.targets(), l.trail) {
		if err := t.load(ctx); err != nil {
			return err
		}
	}
	epoch := l.trail.at.Epoch + 1
	if err := l.fence(ctx, epoch); err != nil {
		return err
	}
	for _, t := range l.targets() { // find looks no further back
		l.Bus.Loose(t.stream, l.In, l.trail.at.Ends[t.stream]+1)
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
	if err := l.restore(ctx); err != nil {
		return fmt.Errorf("record what was carried out: %w", err)
	}
	return nil
}

// learn reads the trail to its end.
func (l *Lane) learn(ctx context.Context) error {
	if err := l.Bus.Read(ctx, bus.Trail, l.Index.Applied()+1, nil, l.Index.Apply); err != nil {
		return fmt.Errorf("read the trail to its end: %w", err)
	}
	return nil
}

// retell tells the ledger what it has missed of the in stream: decisions whose end was unclear.
func (l *Lane) retell(ctx context.Context) error {
	if l.Ledger == nil {
		return nil
	}
	for told, ok := l.Ledger.Told(l.In); ok && told < l.trail.at.Seq; {
		page, err := l.Bus.Page(ctx, l.In, ">", told, bus.MaxBatch)
		if err != nil {
			return err
		}
		page = slices.DeleteFunc(page, func(m *event.Message) bool { return m.Seq > l.trail.at.Seq })
		to := l.trail.at.Seq
		if len(page) > 0 {
			to = page[len(page)-1].Seq
		}
		l.Ledger.Holds(l.In, told+1, to, page)
		told = to
	}
	return nil
}

// fence keeps the owner before from writing to the trail, and finds how far that
// has come: its last records may stand there without a cursor, and until the new
// one is written more may come.
func (l *Lane) fence(ctx context.Context, epoch uint64) error {
	for fenced := false; ; fenced = true {
		seq, err := l.reached(ctx)
		if err != nil {
			return err
		}
		if fenced && seq == l.trail.at.Seq {
			return nil
		}
		c := l.trail.at
		if c.Seq, c.Epoch = seq, epoch; c.Ends == nil { // nothing was ever stored here but in batches
			if c.Ends, err = l.ends(ctx); err != nil {
				return err
			}
		}
		if err := l.persist(ctx, l.trail, newBatch(c, nil)); err != nil {
			return err
		}
	}
}

// reached is the last sequence of the in stream that is decided.
func (l *Lane) reached(ctx context.Context) (uint64, error) {
	return trail.Reached(ctx, l.Bus, bus.Trail, l.In, l.trail.at)
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
		if t.at.Seq < l.trail.at.Carried { // its cursor lags
			t.at.Seq, t.at.Part = l.trail.at.Carried, 0
		}
		behind, from = min(behind, t.at.Seq), min(from, t.at.Trail)
	}
	if behind >= l.trail.at.Seq {
		return nil
	}
	todo, err := l.recorded(ctx, from+1)
	if err != nil {
		return fmt.Errorf("carry out recorded decisions: %w", err)
	}
	for _, t := range l.targets() {
		if err := l.find(ctx, t, todo); err != nil {
			return fmt.Errorf("look what is carried out: %w", err)
		}
	}
	todo = slices.DeleteFunc(todo, func(d *decision.Decision) bool { return !l.pending(d) || l.lost(d) })
	for len(todo) > 0 {
		msgs, err := l.decided(ctx, todo)
		if err != nil {
			return fmt.Errorf("carry out recorded decisions: %w", err)
		}
		if err := l.execute(ctx, todo[:len(msgs)], msgs, nil); err != nil {
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
		some, err := trail.ReadDecisions(record)
		for _, d := range some {
			if i, twice := place[d.Seq]; !twice {
				place[d.Seq] = len(ds)
				ds = append(ds, d)
			} else if d.Outcome == hub.Parked {
				ds[i] = d
			}
		}
		return err
	})
	return slices.DeleteFunc(ds, func(d *decision.Decision) bool { return !l.pending(d) }), err
}

// pending tells whether what d says is still to be stored.
func (l *Lane) pending(d *decision.Decision) bool {
	switch d.Outcome {
	case hub.Routed:
		return d.Seq > l.out.at.Seq
	case hub.Quarantined, hub.Unrouted:
		if d.Code.ByPerson() { // that is not a lane's to carry out
			return false
		}
		return d.Seq > l.quarantine.at.Seq || d.Receipt != "" && d.Seq > l.out.at.Seq
	case hub.Parked:
		return d.Seq > l.parked.at.Seq && !d.Stays()
	}
	return false
}

// moveUp writes the cursors of OUT, QUARANTINE and PARKED anew where they are more than
// lag behind one of the trail because nothing was stored there. Everything up to it is carried
// out.
func (l *Lane) moveUp(ctx context.Context, to decision.Cursor, lag uint64) error {
	for _, t := range l.targets() {
		if to.Seq <= t.at.Seq+lag {
			continue
		}
		c := t.at
		c.Seq, c.Part, c.Epoch, c.Trail = to.Seq, 0, to.Epoch, to.Trail
		if err := l.persist(ctx, t, newBatch(c, nil)); err != nil {
			return err
		}
	}
	return nil
}

// here is where the trail stands.
func (l *Lane) here() decision.Cursor {
	c := l.trail.at
	c.Trail = l.trail.last
	return c
}

// errLost means damage: a decided event that is not carried out yet is no
// longer in its in stream.
var errLost = errors.New("the store is damaged: a decided event is missing in its in stream")
