package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const minVersion = 130000

// server judges the server; old is true when it lacks xid8.
func (x *inspector) server(ctx context.Context) (old bool, err error) {
	var (
		version          int
		standby, secure  bool
		fsync, commit    string
		idle, level, who string
	)
	err = x.conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, pg_catalog.pg_is_in_recovery(),
  coalesce((SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()), false) OR pg_catalog.inet_client_addr() IS NULL,
  current_setting('fsync'), current_setting('synchronous_commit'), current_setting('idle_in_transaction_session_timeout'),
  current_setting('wal_level'), current_database()`).Scan(&version, &standby, &secure, &fsync, &commit, &idle, &level, &who)
	if err != nil {
		return false, err
	}
	if version < minVersion {
		x.report.add(Error, "the server is older than PostgreSQL 13 and has no xid8: only habit: mark or delete, without columns.xid, reads it completely; update it (administrator)")
		return true, nil
	}
	if standby {
		x.report.add(Error, "this is a standby: the adapter reads where rows are written; name that host")
	}
	if !secure {
		x.report.add(Warning, "the connection is not encrypted: the adapter asks for TLS with any host that is not this machine")
	}
	if fsync != "on" {
		x.report.add(Error, "fsync is off: a crash of the server can undo rows that are events already",
			"ALTER SYSTEM SET fsync = on; -- then reload")
	}
	if commit == "off" {
		x.report.add(Warning, "synchronous_commit is off: the last transactions before a crash of the server may be undone although they are events already",
			"ALTER SYSTEM SET synchronous_commit = on; -- or in the role or session that writes the outbox")
	}
	if idle == "0" {
		x.report.add(Warning, "idle_in_transaction_session_timeout is off: a session that forgets its transaction holds the feed back for ever",
			fmt.Sprintf("ALTER DATABASE %s SET idle_in_transaction_session_timeout = '10min';", quoted(who)))
	}
	if strings.Contains(x.report.Habit, "every row is deleted") {
		x.report.add(Note, "wal_level is "+level+"; reading by logical decoding, which would see such rows, is not what this adapter does")
	}
	return false, nil
}

// ahead looks for rows of another cluster.
func (x *inspector) ahead(ctx context.Context) error {
	c, there := x.t.columns[x.xid]
	if !there || !c.MaySelect {
		return nil
	}
	var ahead bool
	err := x.conn.QueryRow(ctx, fmt.Sprintf("SELECT coalesce((SELECT t.%s FROM %s t ORDER BY t.%s DESC LIMIT 1) >= pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()), false)",
		quoted(x.xid), x.t.sql(), quoted(x.xid))).Scan(&ahead)
	if err == nil && ahead {
		x.report.add(Error, "rows carry transaction numbers of another cluster (restored from a dump): they are not read until this one gets there",
			renumber(x.t.sql(), x.xid))
	}
	return err
}

const longTransaction = 5 * time.Minute

// waits looks for transactions that hold the feed back just now.
func (x *inspector) waits(ctx context.Context) error {
	var (
		prepared int
		seconds  *float64
	)
	err := x.conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_catalog.pg_prepared_xacts)::int,
  (SELECT extract(epoch FROM max(now() - xact_start))::float8 FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL)`).Scan(&prepared, &seconds)
	if err != nil {
		return err
	}
	if prepared > 0 {
		x.report.add(Warning, fmt.Sprintf("%d prepared transactions (two-phase commit) hold the feed back until they end (pg_prepared_xacts)", prepared))
	}
	if seconds != nil && time.Duration(*seconds*float64(time.Second)) > longTransaction {
		x.report.add(Warning, fmt.Sprintf("a transaction that writes has been open for %d minutes and holds the feed back (pg_stat_activity)", int(*seconds/60)))
	}
	return nil
}

// role judges the rights of who asks, and prints those that are enough.
func (x *inspector) role(ctx context.Context) error {
	var (
		user         string
		super, write bool
	)
	err := x.conn.QueryRow(ctx, `SELECT current_user, r.rolsuper, pg_catalog.has_table_privilege($1::oid, 'INSERT') OR pg_catalog.has_table_privilege($1::oid, 'TRUNCATE')
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`, x.t.oid).Scan(&user, &super, &write)
	if err != nil {
		return err
	}
	grants := []string{
		"CREATE ROLE amtsbote_outbox LOGIN; -- and a password: \\password amtsbote_outbox",
		fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO amtsbote_outbox;", quoted(x.t.schema)),
		fmt.Sprintf("GRANT SELECT ON %s TO amtsbote_outbox; -- habit mark: also UPDATE of the mark's column; delete: also DELETE", x.t.sql()),
	}
	switch {
	case super:
		x.report.add(Note, "you asked as a superuser; the adapter needs a role of its own that only reads", grants...)
	case write:
		x.report.add(Note, "the role "+user+" may do more than the adapter needs", grants...)
	}
	return nil
}
