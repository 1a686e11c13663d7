package postgres

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// A window is a range of transactions, all of which have ended: no row can be
// added to it any more. Its rows are read by their numbers. With them come those of
// later transactions that belong before one of its rows: a transaction may get its
// own number before it waits for an aggregate that a later transaction changes
// meanwhile.

// A window has so many rows at first, or a share of the table: each window costs a
// look at all rows behind it.
const (
	windowRows  = 20_000
	windowShare = 50
)

// open finds the next window; false when there is nothing to read yet.
func (r *run) open(ctx context.Context, s *session) (bool, error) {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	for rows := max(r.window, int(s.table.about/windowShare)); ; rows *= 8 {
		w, err := r.bounds(ctx, s, rows)
		if err != nil {
			return false, fmt.Errorf("look for rows: %w", tame(err))
		}
		if w == nil || w.first == nil {
			return false, nil
		}
		before, err := r.predecessors(ctx, s, w.to)
		switch {
		case err != nil:
			return false, fmt.Errorf("look for rows that belong before others: %w", tame(err))
		case len(before) <= maxBefore:
			r.cursor.From = w.from
			r.cursor.open(w.to, *w.first, before)
			return true, nil
		case w.largest: // they can be read themselves when the oldest transaction ends
			return false, nil
		}
	}
}

// span is a window to be: from the first transaction that has a row to the one
// before to, and the lowest number in it.
type span struct {
	from, to uint64
	largest  bool // there can be no larger one now
	first    *int64
}

// bounds gives a window of about so many rows; nil when no row is there. It ends
// behind the last transaction that has a row: numbers beyond may never have been
// written to the server's log, and a crash gives them out again.
func (r *run) bounds(ctx context.Context, s *session, rows int) (*span, error) {
	c := r.set.Columns
	var low, high, end *string
	err := s.conn.QueryRow(ctx, fmt.Sprintf(`
SELECT (SELECT t.%[1]s FROM %[2]s t WHERE t.%[1]s >= $1::text::xid8 AND t.%[1]s < h.x ORDER BY t.%[1]s, t.%[3]s LIMIT 1)::text,
  (SELECT t.%[1]s FROM %[2]s t WHERE t.%[1]s >= $1::text::xid8 AND t.%[1]s < h.x ORDER BY t.%[1]s DESC, t.%[3]s DESC LIMIT 1)::text,
  (SELECT t.%[1]s FROM %[2]s t WHERE t.%[1]s >= $1::text::xid8 AND t.%[1]s < h.x ORDER BY t.%[1]s, t.%[3]s OFFSET %[4]d LIMIT 1)::text,
  pg_catalog.pg_current_wal_flush_lsn()::text
FROM (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) AS x) h`, quoted(c.XID), s.table.sql(), quoted(c.Seq), rows),
		strconv.FormatUint(r.cursor.From, 10)).Scan(&low, &high, &end, &r.cursor.LSN)
	if err != nil || low == nil || high == nil {
		return nil, err
	}
	w := &span{}
	if w.from, err = strconv.ParseUint(*low, 10, 64); err != nil {
		return nil, err
	}
	last, err := strconv.ParseUint(*high, 10, 64)
	if err != nil {
		return nil, err
	}
	w.to = last + 1
	if end != nil {
		if w.to, err = strconv.ParseUint(*end, 10, 64); err != nil {
			return nil, err
		}
	}
	w.to = max(w.to, w.from+1) // one transaction may have written as many rows
	w.largest = w.to > last
	err = s.conn.QueryRow(ctx, fmt.Sprintf("SELECT min(t.%[3]s)::bigint FROM %[2]s t WHERE t.%[1]s >= $1::text::xid8 AND t.%[1]s < $2::text::xid8",
		quoted(c.XID), s.table.sql(), quoted(c.Seq)), strconv.FormatUint(w.from, 10), strconv.FormatUint(w.to, 10)).Scan(&w.first)
	return w, err
}

// maxBefore bounds the rows of later transactions in a window: those that were
// written while its slowest transaction was open.
const maxBefore = 100_000

// predecessors gives the rows of later transactions than a window's that belong
// before one of its rows, in the same aggregate. Rows that are committed later are
// none: the writer of a row has seen those before it.
func (r *run) predecessors(ctx context.Context, s *session, to uint64) ([]place, error) {
	c := r.set.Columns
	if !s.table.columns[c.AggregateID].MaySelect {
		return nil, nil
	}
	rows, err := s.conn.Query(ctx, fmt.Sprintf(`
SELECT v.%[1]s::text, v.%[4]s::bigint FROM %[2]s v
JOIN (SELECT t.%[3]s AS aggregate, max(t.%[4]s) AS last FROM %[2]s t WHERE t.%[1]s >= $1::text::xid8 AND t.%[1]s < $2::text::xid8 GROUP BY t.%[3]s) w
ON w.aggregate = v.%[3]s AND v.%[4]s < w.last WHERE v.%[1]s >= $2::text::xid8 ORDER BY v.%[4]s LIMIT %[5]d`,
		quoted(c.XID), s.table.sql(), quoted(c.AggregateID), quoted(c.Seq), maxBefore+1), strconv.FormatUint(r.cursor.From, 10), strconv.FormatUint(to, 10))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p place, err error) {
		var xid string
		if err := row.Scan(&xid, &p.Seq); err != nil {
			return p, err
		}
		p.XID, err = strconv.ParseUint(xid, 10, 64)
		return p, err
	})
}
