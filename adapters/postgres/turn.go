package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
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

// read gives the next rows.
func (r *run) read(ctx context.Context, s *session) ([]row, error) {
	rows, err := r.query(ctx, s, r.batch)
	switch {
	case err == nil:
		r.batch = min(2*r.batch, r.set.Batch)
		return rows, nil
	case sqlState(err) == timedOut && r.batch > 1:
		r.batch = max(r.batch/4, 1)
		r.log.Warn("postgres: reading took longer than statement-timeout: fewer rows at once", zap.Int("rows", r.batch))
		return r.read(ctx, s)
	case rowsFault(err) && r.batch > 1:
		r.batch = 1 // which of them is it?
		return r.read(ctx, s)
	case rowsFault(err):
		return r.unreadable(ctx, s, err)
	}
	return nil, fmt.Errorf("read rows: %w", tame(err))
}

func (r *run) query(ctx context.Context, s *session, most int) ([]row, error) {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	found, err := s.conn.Query(ctx, s.sql.batch(most), r.args()...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, scanRow)
}

func scanRow(found pgx.CollectableRow) (row, error) {
	var (
		o   row
		xid string
	)
	if err := found.Scan(&xid, &o.Seq, &o.id, &o.aggregateType, &o.aggregateID, &o.typ, &o.headers, &o.headerSize, &o.at, &o.size, &o.document); err != nil {
		return o, err
	}
	var err error
	o.XID, err = strconv.ParseUint(xid, 10, 64)
	return o, err
}

// unreadable gives the next row by its place alone: the server cannot read it.
func (r *run) unreadable(ctx context.Context, s *session, cause error) ([]row, error) {
	limited, cancel := r.limit(ctx)
	defer cancel()
	var (
		o   row
		xid string
	)
	err := s.conn.QueryRow(limited, s.sql.next(), r.args()...).Scan(&xid, &o.Seq, &o.id)
	if err == nil {
		o.XID, err = strconv.ParseUint(xid, 10, 64)
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows): // it is gone
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the place of a row that cannot be read: %w", tame(err))
	}
	o.unread = hub.Permanent("unreadable", "the server cannot read the row: %w", tame(cause))
	return []row{o}, nil
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
		gone := true
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
	ctx, cancel := r.limit(ctx)
	defer cancel()
	if _, err := s.conn.Exec(ctx, s.sql.settle(), ids); err != nil {
		return fmt.Errorf("%s rows that are stored: %w", r.set.Habit, tame(err))
	}
	return nil
}
