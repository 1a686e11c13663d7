package postgres

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// held watches for rows that wait behind a transaction which does not end.
type held struct {
	looked time.Time
	since  time.Time // rows wait since, while the oldest transaction is
	oldest string
}

const (
	lookEvery = time.Minute
	heldLong  = 5 * time.Minute
)

// heldBack tells the log when rows wait: any transaction of the whole cluster that
// has written holds them back until it ends.
func (r *run) heldBack(ctx context.Context, s *session) error {
	if r.set.Columns.XID == "" || time.Since(s.held.looked) < lookEvery {
		return nil
	}
	s.held.looked = time.Now()
	ctx, cancel := r.limit(ctx)
	defer cancel()
	var (
		waiting bool
		oldest  string
	)
	err := s.conn.QueryRow(ctx, fmt.Sprintf(`SELECT EXISTS (SELECT FROM %s t WHERE t.%s >= pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())),
 pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text`, s.table.sql(), quoted(r.set.Columns.XID))).Scan(&waiting, &oldest)
	switch {
	case err != nil:
		return fmt.Errorf("look for rows that are held back: %w", tame(err))
	case !waiting:
		s.held.since = time.Time{}
	case s.held.oldest != oldest || s.held.since.IsZero():
		s.held.oldest, s.held.since = oldest, time.Now()
	case time.Since(s.held.since) >= heldLong:
		r.log.Warn("postgres: rows wait behind a transaction that does not end; whoever administers the database ends it "+
			"(pg_stat_activity by xact_start, pg_prepared_xacts), or sets idle_in_transaction_session_timeout",
			zap.String("transaction", oldest), zap.Duration("for", time.Since(s.held.since).Round(time.Second)))
	}
	return nil
}
