package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// next gives the messages that follow the cursor without a gap; none when there
// was nothing, or nothing new.
func (l *Lane) next(ctx context.Context) ([]*event.Message, error) {
	if l.flight != nil {
		msgs, err := l.during(ctx)
		if err != nil {
			return nil, err
		}
		if len(msgs) > 0 {
			return l.follow(ctx, ascending(l.trail.at.Seq, msgs))
		}
		if err := l.land(); err != nil {
			return nil, err
		}
	}
	loose := slices.ContainsFunc(append(l.targets(), l.trail), func(t *target) bool { return t.loose > 0 })
	patience := cmp.Or(l.patience, idle)
	switch {
	case l.paying:
		patience = time.Millisecond
	case loose:
		patience = min(patience, restful)
	}
	msgs, err := l.work.Next(ctx, maxEvents, patience)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	case len(msgs) > 0:
		return l.follow(ctx, ascending(l.trail.at.Seq, msgs))
	case l.paying:
		return nil, nil
	case loose:
		return nil, l.cover(ctx)
	}
	return l.lookBack(ctx)
}

// ascending drops what does not come after at and after the ones before it:
// after a Reset messages can come twice, even within one batch.
func ascending(at uint64, msgs []*event.Message) []*event.Message {
	out := msgs[:0]
	for _, m := range msgs {
		if m.Seq > at {
			out = append(out, m)
			at = m.Seq
		}
	}
	return out
}

// follow gives the messages up to the first gap, and what the store has there.
// A gap may be that of removed messages; otherwise something was skipped.
func (l *Lane) follow(ctx context.Context, msgs []*event.Message) ([]*event.Message, error) {
	at := l.trail.at.Seq
	for i, m := range msgs {
		if m.Seq != at+1 {
			stored, err := l.Bus.At(ctx, l.In, at+1, ">")
			if err != nil {
				return nil, err
			}
			if stored != nil && stored.Seq < m.Seq {
				missing, err := l.skipped(ctx, stored, min(maxEvents-i, maxSkipped))
				return append(msgs[:i:i], missing...), err
			}
		}
		at = m.Seq
	}
	return msgs, nil
}

// skipped takes messages that were not delivered from the store, beginning with
// first, at most so many, and has the work consumer go on behind them. (A connection broke,
// an owner died, or there was no room in the channel.)
func (l *Lane) skipped(ctx context.Context, first *event.Message, most int) ([]*event.Message, error) {
	var msgs []*event.Message
	size := 0
	for m := first; m != nil; {
		msgs = append(msgs, m)
		if size += len(m.Data); len(msgs) == most || size >= bus.NextBytes {
			break
		}
		var err error
		if m, err = l.Bus.At(ctx, l.In, m.Seq+1, ">"); err != nil {
			return nil, err
		}
	}
	return msgs, l.work.Reset(ctx, msgs[len(msgs)-1].Seq+1)
}

// lookBack finds messages that were delivered into a broken connection: the
// work consumer acknowledges nothing, so they do not come again by themselves.
func (l *Lane) lookBack(ctx context.Context) ([]*event.Message, error) {
	m, err := l.Bus.At(ctx, l.In, l.trail.at.Seq+1, ">")
	if err != nil || m == nil {
		return nil, errors.Join(err, l.moveUp(ctx, l.here(), 0))
	}
	l.Log.Warn("events were not delivered, taking them from the store", zap.Uint64("from", m.Seq))
	return l.skipped(ctx, m, maxSkipped)
}
