package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// skew is how far clocks of database servers may be apart.
const skew = 5 * time.Minute

// crashOverlap is how far to go back after a crash of the server: what writers with
// synchronous_commit=off committed may be undone for three times wal_writer_delay,
// which is 10 s at most.
const crashOverlap = time.Minute

// whoseMove ends every refusal of a database.
func whoseMove(i identity) string {
	return fmt.Sprintf("Nothing was read. The operator's move: if it is the wrong database, name the right one; if the change is meant, set "+
		"accept: %q (one that was acted on must be removed for one start first), with accept-cursor: start (read the table from its beginning; the hub knows events again for 30 days) or keep", i)
}

// recognise compares the database with the one that the place was true of.
func (r *run) recognise(ctx context.Context, s *session) error {
	c, now := r.cursor, s.identity
	switch {
	case c.Database != now.Database:
		return refuse("this is another database than the one that was read (it was %s, now %s): restored into a new cluster, cloned, or updated by pg_upgrade. %s",
			c.Database, now.Database, whoseMove(now))
	case c.Timeline != now.Timeline:
		if err := r.promoted(ctx, s); err != nil {
			return err
		}
	case now.Behind:
		return refuse("the database was set back: its log ends before %s, where it was when rows were read. %s", c.LSN, whoseMove(now))
	case c.From > now.Next || c.Last.XID >= now.Next:
		return refuse("the database was set back: it has begun transactions up to %d, and rows of %d were read. %s", now.Next, c.Last.XID, whoseMove(now))
	}
	if r.set.Habit != leave {
		return nil
	}
	if r.cursor.Table != s.table.oid {
		r.log.Warn("postgres: the table is a new one: it is read from its beginning", zap.Stringer("table", s.table))
		r.cursor = r.beginning(s)
		return r.cursor.save(ctx, r.in.State())
	}
	if err := r.sameRow(ctx, s); err != nil {
		return err
	}
	if r.cursor.Crash == now.Crash {
		return nil
	}
	if r.cursor.Crash != "" {
		r.goBack(r.cursor.back(crashOverlap), now)
	}
	r.cursor.Crash = now.Crash
	return r.cursor.save(ctx, r.in.State())
}

// goBack begins again at a former place.
func (r *run) goBack(to milestone, now identity) {
	c := r.cursor
	*c = cursor{
		From: to.XID, Database: c.Database, Timeline: now.Timeline, Table: c.Table, Crash: now.Crash, Accepted: c.Accepted,
		At: c.At, Marks: []milestone{to},
	}
}

// promoted goes back some time after a failover: the standby may lack the last
// transactions, and gives their numbers to others.
func (r *run) promoted(ctx context.Context, s *session) error {
	c, now := r.cursor, s.identity
	to := c.back(r.set.Failover)
	_, same, err := r.lastRow(ctx, s)
	if err != nil {
		return err
	}
	// when it is the row that was read last, the database was not set back before it
	longAgo := !now.Replayed.IsZero() && now.Replayed.Before(c.At.Add(-r.set.Failover-skew))
	switch {
	case r.set.Failover == 0:
		return refuse("the database is on another timeline (it was %s, now %s): a standby was promoted, or a backup restored, and failover-overlap is 0. %s",
			c.Timeline, now.Timeline, whoseMove(now))
	case to.XID > now.Next || longAgo && !same:
		return refuse("the database was set back by more than failover-overlap: a backup was restored (timeline was %s, now %s). %s",
			c.Timeline, now.Timeline, whoseMove(now))
	}
	r.log.Warn("postgres: a standby was promoted; what was read last is read again", zap.String("timeline", now.Timeline),
		zap.Duration("overlap", r.set.Failover))
	r.goBack(to, now)
	return c.save(ctx, r.in.State())
}

// sameRow looks whether the row that was read last is still the one at its place.
// Another one there means that the database was set back and went on; none, while
// older ones stand, may mean that too, or that the owner has cleaned up.
func (r *run) sameRow(ctx context.Context, s *session) error {
	found, same, err := r.lastRow(ctx, s)
	switch {
	case err != nil || same || r.cursor.Row == "":
		return err
	case found:
		return refuse("another row stands where the last one was read (transaction %d): the database was set back and has gone on. %s", r.cursor.Last.XID, whoseMove(s.identity))
	}
	c := r.set.Columns
	var older bool
	if err := s.conn.QueryRow(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM %s t WHERE (t.%s, t.%s) < ($1::text::xid8, $2::bigint))", s.table.sql(), quoted(c.XID), quoted(c.Seq)),
		strconv.FormatUint(r.cursor.Last.XID, 10), r.cursor.Last.Seq).Scan(&older); err != nil {
		return fmt.Errorf("look for rows before the one that was read last: %w", tame(err))
	}
	switch {
	case !older:
		return nil
	case r.set.Failover == 0:
		return refuse("the row that was read last (transaction %d) is gone, older ones stand, and failover-overlap is 0: the database was set back and has gone on, or the owner has deleted that row. %s",
			r.cursor.Last.XID, whoseMove(s.identity))
	}
	r.log.Warn("postgres: the row that was read last is gone, and older ones stand: the database may have been set back; what was read last is read again",
		zap.Duration("overlap", r.set.Failover))
	r.goBack(r.cursor.back(r.set.Failover), s.identity)
	return r.cursor.save(ctx, r.in.State())
}

// lastRow looks for a row at the place of the one that was read last, and whether
// it is that row.
func (r *run) lastRow(ctx context.Context, s *session) (found, same bool, err error) {
	if r.cursor.Row == "" {
		return false, false, nil
	}
	c := r.set.Columns
	var id string
	err = s.conn.QueryRow(ctx, fmt.Sprintf("SELECT left(t.%s::text, %d) FROM %s t WHERE t.%s = $1::text::xid8 AND t.%s = $2::bigint LIMIT 1",
		quoted(c.ID), maxText+1, s.table.sql(), quoted(c.XID), quoted(c.Seq)), strconv.FormatUint(r.cursor.Last.XID, 10), r.cursor.Last.Seq).Scan(&id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, false, nil
	case err != nil:
		return false, false, fmt.Errorf("look at the row that was read last: %w", tame(err))
	}
	return true, digest(id) == r.cursor.Row, nil
}

// notAhead looks for rows that carry numbers of transactions which this cluster
// has not reached: they were restored from another one, and would wait for years.
func (r *run) notAhead(ctx context.Context, s *session) error {
	if r.set.Columns.XID == "" {
		return nil
	}
	xid := quoted(r.set.Columns.XID)
	var ahead bool
	err := s.conn.QueryRow(ctx, fmt.Sprintf("SELECT coalesce((SELECT t.%s FROM %s t ORDER BY t.%s DESC LIMIT 1) >= pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()), false)",
		xid, s.table.sql(), xid)).Scan(&ahead)
	switch {
	case err != nil:
		return fmt.Errorf("look for rows of another cluster: %w", tame(err))
	case ahead:
		return refuse("table %s has rows with transaction numbers of another cluster (it was restored from a dump): they would never be read. "+
			"The move of the owner of the database: %s", s.table, renumber(s.table.sql(), r.set.Columns.XID))
	}
	return nil
}

// renumber is the statement that mends rows of another cluster.
func renumber(t, xid string) string {
	return fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s >= pg_snapshot_xmax(pg_current_snapshot());", t, quoted(xid), writerXID, quoted(xid))
}
