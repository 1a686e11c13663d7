package flow

import (
	"context"
	"errors"
	"fmt"

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
	for _, t := range []*target{l.trail, l.out, l.quarantine} {
		if err := t.load(ctx); err != nil {
			return err
		}
	}
	epoch := l.trail.at.Epoch + 1
	if err := l.bump(ctx, l.trail, epoch, l.trail.at.Trail); err != nil {
		return err
	}
	if err := l.Bus.Read(ctx, bus.Trail, l.Index.Applied()+1, nil, l.Index.Apply); err != nil {
		return fmt.Errorf("read the trail to its end: %w", err)
	}
	if err := l.catchUp(ctx); err != nil {
		return err
	}
	for _, t := range []*target{l.out, l.quarantine} {
		if err := l.bump(ctx, t, epoch, l.trail.last); err != nil {
			return err
		}
	}
	return l.work.Reset(ctx, l.trail.at.Seq+1)
}

// bump writes the cursor anew under the new epoch: from here on a batch of the
// owner before is refused.
func (l *Lane) bump(ctx context.Context, t *target, epoch, trailSeq uint64) error {
	c := t.at
	if t != l.trail {
		c.Seq, c.Part = l.trail.at.Seq, 0
	}
	c.Epoch, c.Trail = epoch, trailSeq
	return l.persist(ctx, t, newBatch(c, nil))
}

// catchUp carries out the decisions that are in the trail but not yet in OUT or
// QUARANTINE. They are not decided anew.
func (l *Lane) catchUp(ctx context.Context) error {
	l.version = l.Current()
	behind := min(l.out.at.Seq, l.quarantine.at.Seq)
	if behind >= l.trail.at.Seq {
		return nil
	}
	from := min(l.out.at.Trail, l.quarantine.at.Trail) + 1
	var ds []*decision.Decision
	var msgs []*event.Message
	flush := func() error {
		defer func() { ds, msgs = nil, nil }()
		return l.execute(ctx, ds, msgs)
	}
	err := l.Bus.Read(ctx, bus.Trail, from, []string{"trail.decision." + l.In + ".>"}, func(record *event.Message) error {
		d, err := trail.ReadDecision(record)
		if err != nil || !l.pending(d) {
			return err
		}
		m, err := l.Bus.At(ctx, l.In, d.Seq, ">")
		if err != nil {
			return err
		}
		if m == nil || m.Seq != d.Seq {
			return errors.Join(errLost, fmt.Errorf("%s sequence %d, event id %q", l.In, d.Seq, d.ID))
		}
		ds, msgs = append(ds, d), append(msgs, m)
		if len(ds) == maxEvents {
			return flush()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("carry out recorded decisions: %w", err)
	}
	return flush()
}

// pending tells whether what d says is still to be stored.
func (l *Lane) pending(d *decision.Decision) bool {
	switch d.Outcome {
	case hub.Routed:
		return d.Seq > l.out.at.Seq
	case hub.Quarantined, hub.Unrouted:
		return d.Seq > l.quarantine.at.Seq || d.Receipt != "" && d.Seq > l.out.at.Seq
	}
	return false
}

// moveUp writes the cursors of OUT and QUARANTINE anew where they are more than
// lag behind the trail's because nothing was stored there.
func (l *Lane) moveUp(ctx context.Context, lag uint64) error {
	for _, t := range []*target{l.out, l.quarantine} {
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
