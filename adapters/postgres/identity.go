package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// identity is what a database says of itself.
type identity struct {
	Database string
	Timeline string
	Next     uint64    // the first transaction that has not begun
	Crash    string    // when the server's statistics began, which are lost in a crash
	Behind   bool      // the server's log ends before where it was
	Now      time.Time // the database's clock
	Replayed time.Time // the last transaction that a restore or a standby took over; zero when it says nothing
}

func (i identity) String() string { return i.Database + "." + i.Timeline }

const identityQuery = `
SELECT s.system_identifier::text || '.' || d.oid::text,
  left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8),
  pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::numeric::bigint,
  now(), pg_catalog.pg_last_xact_replay_timestamp(), coalesce((SELECT stats_reset::text FROM pg_catalog.pg_stat_bgwriter), ''),
  coalesce(pg_catalog.pg_current_wal_flush_lsn() < $1::text::pg_lsn, false)
FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`

// askIdentity asks a database who it is; lsn is where its log was, "" when that is
// not known.
func askIdentity(ctx context.Context, conn *pgx.Conn, lsn string) (identity, error) {
	var (
		i        identity
		next     int64
		replayed *time.Time
	)
	var was *string
	if lsn != "" {
		was = &lsn
	}
	err := conn.QueryRow(ctx, identityQuery, was).Scan(&i.Database, &i.Timeline, &next, &i.Now, &replayed, &i.Crash, &i.Behind)
	switch {
	case sqlState(err) == "42501":
		return i, refuse("the role may not ask the database who it is: GRANT EXECUTE ON FUNCTION pg_control_system() to it (administrator of the database): %w", tame(err))
	case sqlState(err) == "42883" || sqlState(err) == "42704":
		return i, refuse("the server is older than PostgreSQL 13 and has no xid8: it must be updated (administrator of the database): %w", tame(err))
	case err != nil:
		return i, fmt.Errorf("ask the database who it is: %w", tame(err))
	case next < 0:
		return i, errors.New("ask the database who it is: a transaction number beyond 63 bits")
	}
	if replayed != nil {
		i.Replayed = *replayed
	}
	i.Next = uint64(next)
	return i, nil
}
