package postgres

import (
	"context"
	"errors"
	"time"
)

// row is one of the table.
type row struct {
	place

	id                         string
	aggregateType, aggregateID *string
	typ, headers               *string
	headerSize                 int
	at                         *time.Time
	size                       *int // of the document; nil: NULL
	document                   []byte
	unread                     error // why it could not be read
}

// turn reads some rows, has them stored, and moves on. more tells that there may
// be further ones already.
func (r *run) turn(ctx context.Context, s *session) (more bool, err error) {
	if r.set.Habit == leave && r.cursor.To == 0 {
		open, err := r.open(ctx, s)
		if err != nil {
			return false, err
		}
		if !open {
			return false, r.heldBack(ctx, s)
		}
	}
	rows, err := r.read(ctx, s)
	switch {
	case err != nil:
		return false, err
	case len(rows) == 0 && r.set.Habit == leave:
		r.cursor.close(s.now(), r.set.Failover)
		return true, r.cursor.save(ctx, r.in.State())
	case len(rows) == 0:
		return false, nil
	}
	s.held = held{}
	work := r.publish(ctx, rows)
	// also when told to stop: what is stored need not come again
	settling, cancel := stopping(ctx)
	defer cancel()
	if err := r.settle(settling, s, work); err != nil {
		return false, errors.Join(ctx.Err(), err)
	}
	return true, ctx.Err()
}

// stopping gives a context that is ctx, or ends in a second when ctx has ended.
func stopping(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), time.Second)
}

// settle sets bad rows aside, then lets go of all that are done: the place moves
// on, or they are marked or deleted.
func (r *run) settle(ctx context.Context, s *session, w *work) error {
	if len(w.rows) == 0 {
		return nil
	}
	var ids []string
	last := -1
	for i := range w.rows {
		if !w.done[i] {
			if r.set.Habit == leave {
				break // nothing behind it may be passed
			}
			continue
		}
		gone := !w.skip[i]
		if w.bad[i] != nil {
			var err error
			if gone, err = r.putAside(ctx, s, w.rows[i], w.bad[i]); err != nil {
				return err
			}
		}
		if gone {
			ids = append(ids, w.rows[i].id)
		}
		last = i
	}
	switch {
	case last < 0:
		return nil
	case r.set.Habit == leave:
		r.cursor.advance(w.rows[last].place, digest(w.rows[last].id), s.now())
		return r.cursor.save(ctx, r.in.State())
	case len(ids) == 0:
		return nil
	}
	return r.letGo(ctx, s, ids)
}
