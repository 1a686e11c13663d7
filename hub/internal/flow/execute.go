package flow

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// writeTrail records decisions behind the trail's cursor, and gives them as they stand
// there.
func (l *Lane) writeTrail(ctx context.Context, ds []*decision.Decision) ([]trail.Group, error) {
	groups, b, err := l.records(ctx, ds)
	if err != nil {
		return nil, err
	}
	return groups, l.persist(ctx, l.trail, b)
}

// records makes what records decisions.
func (l *Lane) records(ctx context.Context, ds []*decision.Decision) ([]trail.Group, *batch, error) {
	at := l.trail.at.Seq
	for _, d := range ds { // the last line of defence against deciding twice
		if d.Seq <= at {
			return nil, nil, fmt.Errorf("message %d of %s came after %d", d.Seq, l.In, at)
		}
		at = d.Seq
	}
	groups, err := trail.Groups(ds)
	if err != nil {
		return nil, nil, err
	}
	ends, err := l.endsBefore(ctx)
	if err != nil {
		return nil, nil, err
	}
	b := newBatch(decision.Cursor{
		Seq: ds[len(ds)-1].Seq, Epoch: l.trail.at.Epoch, Trail: l.trail.last, Carried: l.carried, Ends: ends,
	}, messages(groups))
	for stream, end := range ends { // a take-over reads from there
		b.closes = b.closes || end > l.trail.written.Ends[stream]+maxLag
	}
	return groups, b, nil
}

func messages(groups []trail.Group) []event.Message {
	out := make([]event.Message, len(groups))
	for i := range groups {
		out[i] = groups[i].Message
	}
	return out
}

// execute makes what the decisions say and stores it: copies in OUT, refused
// events in QUARANTINE, parked ones in PARKED. msgs[i] is the event of
// decisions[i], copies[i] what was made of it already, if anything.
func (l *Lane) execute(ctx context.Context, ds []*decision.Decision, msgs []*event.Message, copies []made) error {
	w, err := l.prepare(ctx, ds, msgs, copies)
	if err != nil {
		return err
	}
	return l.store(ctx, w)
}

// prepare makes what the decisions say. Nothing is being stored meanwhile.
func (l *Lane) prepare(ctx context.Context, ds []*decision.Decision, msgs []*event.Message, copies []made) (*work, error) {
	w, err := l.loads(ds, msgs, copies)
	if err != nil {
		return nil, err
	}
	if err := l.amend(ctx, w.amended); err != nil {
		return nil, err
	}
	l.base = l.trail.at
	return &w, nil
}

// store stores what was made.
func (l *Lane) store(ctx context.Context, w *work) error {
	refused, parked := &share{t: l.quarantine, loads: w.refused, of: l.Refused}, &share{t: l.parked, loads: w.parked, of: l.Aside}
	done := make(chan error, 2)
	for _, s := range []*share{refused, parked} {
		if len(s.loads) == 0 {
			done <- nil
			continue
		}
		go func() { done <- l.deliver(ctx, s) }()
	}
	err := l.deliverCopies(ctx, w.copies)
	if err := errors.Join(err, <-done, <-done); err != nil {
		return err
	}
	if err := l.heldUp(ctx, refused); err != nil {
		return err
	}
	return l.heldUp(ctx, parked)
}

// work is what decisions bring, by target, and the decisions that cannot be
// carried out and are to be recorded as parked first.
type work struct {
	copies, refused, parked []load
	amended                 []*decision.Decision
}

// loads sorts what the decisions bring by target, leaving out what a target has
// already.
func (l *Lane) loads(ds []*decision.Decision, msgs []*event.Message, copies []made) (work, error) {
	var w work
	for i, d := range ds {
		var err error
		switch d.Outcome {
		case hub.Routed:
			if d.Seq > l.out.at.Seq {
				err = l.route(&w, d, msgs[i], of(copies, i))
			}
		case hub.Quarantined, hub.Unrouted:
			if d.Seq > l.quarantine.at.Seq {
				w.refused = append(w.refused, load{d.Seq, []event.Message{send.Quarantined(d, msgs[i])}})
			}
			if d.Receipt != "" && d.Seq > l.out.at.Seq && !d.Code.ByPerson() {
				w.copies = append(w.copies, load{d.Seq, []event.Message{l.receipt(d, msgs[i])}})
			}
		case hub.Parked:
			err = l.setAside(&w, d, msgs[i])
		case hub.Suppressed:
		}
		if err != nil {
			return w, err
		}
	}
	return w, nil
}

// read gives the event as it was read for its decision, or after a restart reads
// it again. It asks nobody: whether it may go was decided, even if its application
// has left the federation since.
func (l *Lane) read(d *decision.Decision, m *event.Message) (*event.Event, error) {
	if m.Read != nil {
		return m.Read, nil
	}
	e, r := accept.Decode(m)
	if r != nil {
		return nil, fmt.Errorf("read %s %d again: %w", d.In, d.Seq, r)
	}
	if e.Digest() != d.Digest { // its store has lost the event, and given its place to another
		return nil, errors.Join(errLost, fmt.Errorf("%s sequence %d, event id %q", d.In, d.Seq, d.ID))
	}
	return e, nil
}

// copies makes the copies of an event.
func (l *Lane) copies(d *decision.Decision, e *event.Event) (out []event.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("carry out the decision on %s %d: a fault of the hub (%T)", d.In, d.Seq, p)
		}
	}()
	if out, err = l.version.Sender.Copies(d, e); err == nil && d.Receipt != "" {
		out = append(out, l.version.Sender.Receipt(d, e))
	}
	return out, err
}

// receipt is that for an event that went to nobody, and may be unreadable.
func (l *Lane) receipt(d *decision.Decision, m *event.Message) event.Message {
	e, err := l.read(d, m)
	if err != nil {
		e = nil
	}
	return l.version.Sender.Receipt(d, e)
}

// persist writes a batch, again and again until it is stored, another owner is
// found, it is unclear what is stored, or ctx ends.
func (l *Lane) persist(ctx context.Context, t *target, b *batch) error {
	if err := l.reach(ctx, "before "+t.stream); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := t.write(ctx, b)
		if err == nil {
			return l.reach(ctx, "after "+t.stream)
		}
		if errors.Is(err, bus.ErrFenced) || errors.Is(err, bus.ErrUnclear) || errors.Is(err, errParts) {
			return err
		}
		next := settle.Settle(settle.Try{Err: err, Attempt: attempt, Jitter: settle.Jitter()})
		l.Log.Log(level(attempt, err), "write not confirmed; trying again", zap.String("stream", t.stream),
			zap.Int("attempt", attempt), zap.Duration("after", next.After), zap.Error(err))
		settle.Wait(ctx, min(next.After, maxWait))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// level is how loud a failed write is told: want of room is told once, whoever
// looks after the store says the rest.
func level(attempt int, err error) zapcore.Level {
	if attempt > 1 && (errors.Is(err, bus.ErrNotStaged) || errors.Is(err, bus.ErrStreamFull)) {
		return zap.DebugLevel
	}
	return zap.WarnLevel
}

// reach lets a test end the lane at this point, as a crash would.
func (l *Lane) reach(ctx context.Context, point string) error {
	if l.crash == nil {
		return nil
	}
	l.crash(point)
	return ctx.Err()
}
