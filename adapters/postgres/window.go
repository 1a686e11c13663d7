package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// A window is a range of transactions, all of which have ended: no row can be
// added to it any more. Its rows are read by their numbers. It must be closed:
// no row of a later transaction may belong before one of its rows. That happens,
// since a transaction may get its own number before it waits for an aggregate that
// a later transaction changes meanwhile.

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
	for rows := max(windowRows, int(s.table.about/windowShare)); ; rows *= 8 {
		to, most, first, err := r.bounds(ctx, s, rows)
		if err != nil {
			return false, fmt.Errorf("look for rows: %w", tame(err))
		}
		if first == nil {
			return false, nil
		}
		closed, err := r.closed(ctx, s, to)
		switch {
		case err != nil:
			return false, fmt.Errorf("look for rows that belong before others: %w", tame(err))
		case closed > r.cursor.From:
			r.cursor.To, r.cursor.Seq = closed, *first-1
			return true, nil
		case to == most:
			return false, nil // until the oldest transaction ends
		}
	}
}

// bounds gives the end of a window of about so many rows, the end of the largest
// one, and the lowest number in the former; nil when no row is there.
func (r *run) bounds(ctx context.Context, s *session, rows int) (to, most uint64, first *int64, err error) {
	c := r.set.Columns
	var last, end string
	from := strconv.FormatUint(r.cursor.From, 10)
	err = s.conn.QueryRow(ctx, fmt.Sprintf(`
SELECT h.x::text, coalesce((SELECT t.%[1]s FROM %[2]s t WHERE t.%[1]s >= $1::text::xid8 AND t.%[1]s < h.x ORDER BY t.%[1]s, t.%[3]s OFFSET %[4]d LIMIT 1), h.x)::text
FROM (SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) AS x) h`, quoted(c.XID), s.table.sql(), quoted(c.Seq), rows), from).Scan(&last, &end)
	if err != nil {
		return 0, 0, nil, err
	}
	if most, err = strconv.ParseUint(last, 10, 64); err != nil {
		return 0, 0, nil, err
	}
	if to, err = strconv.ParseUint(end, 10, 64); err != nil {
		return 0, 0, nil, err
	}
	if to <= r.cursor.From { // one transaction has written as many rows
		to = min(r.cursor.From+1, most)
	}
	err = s.conn.QueryRow(ctx, fmt.Sprintf("SELECT min(t.%[3]s)::bigint FROM %[2]s t WHERE t.%[1]s >= $1::text::xid8 AND t.%[1]s < $2::text::xid8",
		quoted(c.XID), s.table.sql(), quoted(c.Seq)), from, strconv.FormatUint(to, 10)).Scan(&first)
	return to, most, first, err
}

// closed gives the end, at most to, before which no row is preceded by one of a
// later transaction. Rows that are committed later do not matter: the writer of a
// row has seen those before it.
func (r *run) closed(ctx context.Context, s *session, to uint64) (uint64, error) {
	c := r.set.Columns
	same := "true"
	if s.table.columns[c.AggregateID].MaySelect {
		same = fmt.Sprintf("v.%[1]s = w.%[1]s", quoted(c.AggregateID))
	}
	query := fmt.Sprintf(`
SELECT w.%[1]s::text FROM %[2]s w WHERE w.%[1]s >= $1::text::xid8 AND w.%[1]s < $2::text::xid8
AND EXISTS (SELECT FROM %[2]s v WHERE v.%[1]s >= $2::text::xid8 AND %[3]s AND v.%[4]s < w.%[4]s) ORDER BY w.%[1]s LIMIT 1`,
		quoted(c.XID), s.table.sql(), same, quoted(c.Seq))
	for to > r.cursor.From {
		var before string
		err := s.conn.QueryRow(ctx, query, strconv.FormatUint(r.cursor.From, 10), strconv.FormatUint(to, 10)).Scan(&before)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return to, nil
		case err != nil:
			return 0, err
		}
		if to, err = strconv.ParseUint(before, 10, 64); err != nil {
			return 0, err
		}
	}
	return r.cursor.From, nil
}
