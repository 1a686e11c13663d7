package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// read gives the next rows.
func (r *run) read(ctx context.Context, s *session) ([]row, error) {
	s.sql.one = r.cursor != nil && r.cursor.single()
	rows, err := r.query(ctx, s, r.batch)
	switch {
	case err == nil:
		r.failed, r.batch = 0, r.nextBatch(len(rows))
		return rows, nil
	case s.conn.IsClosed() || ctx.Err() != nil:
	case sqlState(err) == timedOut && r.batch > 1:
		r.batch = max(r.batch/4, 1)
		r.log.Warn("postgres: reading took longer than statement-timeout: fewer rows at once", zap.Int("rows", r.batch))
		return r.read(ctx, s)
	case (rowsFault(err) || stubborn(err)) && r.batch > 1:
		r.batch = 1 // which of them is it?
		return r.read(ctx, s)
	case rowsFault(err):
		return r.unreadable(ctx, s, err)
	case stubborn(err):
		if r.failed++; r.failed >= maxFailed {
			return r.unreadable(ctx, s, err)
		}
	}
	return nil, fmt.Errorf("read rows: %w", tame(err))
}

// maxFailed is how often one row alone is asked for, in as many connections, until
// what may pass (time, memory) counts as the row's own fault.
const maxFailed = 3

// nextBatch is how many rows to ask for next. Where fewer came than were asked for,
// their size has bound them: to ask for the sizes of many more costs without use.
func (r *run) nextBatch(came int) int {
	switch {
	case came == 0:
		return r.batch
	case came < r.batch:
		return min(2*came, r.set.Batch)
	}
	return min(2*r.batch, r.set.Batch)
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
	r.failed = 0
	o.unread = hub.Permanent("unreadable", "the server cannot read the row: %w", tame(cause))
	return []row{o}, nil
}
