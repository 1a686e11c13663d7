package postgres_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/raced"
	"github.com/amtsbote/amtsbote/adapters/postgres/pgtest"
	"github.com/amtsbote/amtsbote/hub"
)

// add writes rows, each in a transaction of its own.
func (r *room) add(from, to int) {
	r.t.Helper()
	for n := from; n < to; n++ {
		must(r.t, r.input(n).Put())
	}
}

// at has the room go on at another server.
func (r *room) at(c *pgtest.Cluster) {
	r.t.Helper()
	r.c, r.conn = c, c.Dial(r.t, c.DSN("postgres"))
}

const plainTypes = "types: {Angemeldet: de.test.geschehen.v1}\n"

// TestRestored: the adapter's place is of no use in a database that was restored
// from a dump, cloned, or set back; it is refused, nothing is read, and the error
// says whose move it is. Accepted, it is read.
func TestRestored(t *testing.T) {
	raced.Skip(t, "one thing after another")
	first, second := pgtest.New(t), pgtest.New(t)
	r := newRoom(t, first)
	r.outbox()
	r.more = plainTypes
	r.add(0, 20)
	in := adaptertest.NewIntake()
	r.play(in, func() bool { return len(in.Events()) == 20 })
	r.add(20, 25) // not read yet

	dump := exec.Command(filepath.Join(pgtest.Binaries(t), "pg_dump"), "-h", first.Dir, "-U", "postgres", "postgres")
	sql, err := dump.Output()
	must(t, err)
	restore := exec.Command(filepath.Join(pgtest.Binaries(t), "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-h", second.Dir, "-U", "postgres", "postgres")
	restore.Stdin = bytes.NewReader(sql)
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	must(t, second.Run("psql", "-q", "-h", second.Dir, "-U", "postgres", "-c", "SELECT pg_current_xact_id()", "postgres"))
	// the dump's rows may carry numbers that this cluster has not reached
	r.at(second)
	r.exec("UPDATE S.outbox SET xid = '900000000'::xid8 WHERE seq > 20")
	r.refused(in, "UPDATE")
	r.exec("UPDATE S.outbox SET xid = pg_current_xact_id() WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())")
	r.refused(in, "another database than the one that was read")
	r.refused(in, "The operator's move")
	identity := r.identity()
	r.more = plainTypes + "accept: \"" + identity + "\"\n"
	r.play(in, func() bool { return len(in.Events()) == 25 })
	r.more = plainTypes // once is enough
	r.add(25, 26)
	r.play(in, func() bool { return len(in.Events()) == 26 })

	// another database of the same cluster
	r.exec("CREATE DATABASE zweite")
	r.conn = second.Dial(t, second.DSN("zweite"))
	r.exec("CREATE SCHEMA " + r.schema)
	r.outbox()
	r.more = plainTypes + "database: {hosts: [" + second.Dir + "], name: zweite, user: postgres}\n"
	r.refused(in, "another database than the one that was read")
}

// TestSetBack: a copy of the files is put back: the same cluster, before what was
// read, and after it has gone on.
func TestSetBack(t *testing.T) {
	raced.Skip(t, "one thing after another")
	c := pgtest.New(t)
	r := newRoom(t, c)
	r.outbox()
	r.more = plainTypes
	in := adaptertest.NewIntake()
	r.add(0, 5)
	r.play(in, func() bool { return len(in.Events()) == 5 })
	must(t, c.Stop(syscall.SIGINT))
	kept := filepath.Join(c.Dir, "kept")
	copyTree(t, c.Data(), kept)
	must(t, c.Start())
	r.at(c)
	r.add(5, 15)
	r.play(in, func() bool { return len(in.Events()) == 15 && r.remembered(in) })
	xid, seq := r.last()

	must(t, c.Stop(syscall.SIGINT))
	must(t, os.RemoveAll(c.Data()))
	must(t, os.Rename(kept, c.Data()))
	must(t, c.Start())
	r.at(c)
	r.refused(in, "its log ends before")
	r.add(100, 130) // it goes on, beyond the place
	r.exec("UPDATE S.outbox SET xid = $1::text::xid8 WHERE seq = $2", xid, seq)
	r.exec("SELECT pg_switch_wal()")
	r.refused(in, "another row stands where the last one was read")
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestFailover: the standby lacks the last transactions that were read and gives
// their numbers to others: what it has is complete all the same.
func TestFailover(t *testing.T) {
	raced.Skip(t, "one thing after another")
	primary := pgtest.New(t, "-c", "max_wal_senders=3")
	r := newRoom(t, primary)
	r.outbox()
	standby, err := primary.Standby()
	must(t, err)
	t.Cleanup(standby.Remove)
	r.more = plainTypes + "database: {hosts: [" + primary.Dir + ", " + standby.Dir + "], name: postgres, user: postgres}\n"
	in := adaptertest.NewIntake()
	r.add(0, 5)
	r.play(in, func() bool { return len(in.Events()) == 5 })
	r.caughtUp(standby)
	must(t, standby.Stop(syscall.SIGINT))
	r.add(5, 15) // the standby never gets them
	r.play(in, func() bool { return len(in.Events()) == 15 })

	must(t, primary.Stop(syscall.SIGQUIT))
	must(t, standby.Start())
	must(t, standby.Run("pg_ctl", "promote", "-w", "-D", standby.Data()))
	r.at(standby)
	r.add(100, 108) // numbers of transactions that were read already
	r.play(in, func() bool { return len(in.Events()) == 23 })
	r.add(108, 110)
	r.play(in, func() bool { return len(in.Events()) == 25 })

	r.more += "failover-overlap: 0s\n" // nothing has changed since
	r.add(110, 111)
	r.play(in, func() bool { return len(in.Events()) == 26 })
}

// caughtUp waits until the standby has what the primary has.
func (r *room) caughtUp(standby *pgtest.Cluster) {
	r.t.Helper()
	conn := standby.Dial(r.t, standby.DSN("postgres"))
	var lsn string
	must(r.t, r.conn.QueryRow(r.t.Context(), "SELECT pg_current_wal_lsn()::text").Scan(&lsn))
	for {
		var there bool
		must(r.t, conn.QueryRow(r.t.Context(), "SELECT coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)", lsn).Scan(&there))
		if there {
			return
		}
	}
}

// TestTablesThatLoseRows: a table or a role with which rows would be lost is refused.
func TestTablesThatLoseRows(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.more = plainTypes
	for _, tc := range []struct{ table, part string }{
		{"(id uuid PRIMARY KEY, aggregatetype text, aggregateid text, type text, payload jsonb, seq bigint GENERATED ALWAYS AS IDENTITY)", "has no column xid"},
		{"(id uuid PRIMARY KEY, aggregatetype text, aggregateid text, type text, payload jsonb, seq bigint GENERATED ALWAYS AS IDENTITY, xid bigint NOT NULL)", "not xid8"},
		{"(id uuid PRIMARY KEY, aggregatetype text, aggregateid text, type text, payload jsonb, seq bigint GENERATED ALWAYS AS IDENTITY, xid xid8 DEFAULT pg_current_xact_id())", "may be NULL"},
		{"(id uuid PRIMARY KEY, aggregatetype text, aggregateid text, type text, payload jsonb, seq bigint GENERATED ALWAYS AS IDENTITY, xid xid8 NOT NULL DEFAULT '5')", "by itself"},
		{"(id uuid PRIMARY KEY, aggregatetype text, aggregateid text, type text, payload jsonb, seq bigint NOT NULL DEFAULT 0, xid xid8 NOT NULL DEFAULT pg_current_xact_id())", "neither GENERATED ALWAYS"},
		{"(id uuid PRIMARY KEY, aggregatetype text, aggregateid text, type text, payload jsonb, seq bigserial, xid xid8 NOT NULL DEFAULT pg_current_xact_id())", "neither GENERATED ALWAYS"},
		{"(id uuid PRIMARY KEY, aggregatetype text, aggregateid text, type text, payload jsonb, seq text UNIQUE, xid xid8 NOT NULL DEFAULT pg_current_xact_id())", "must count up"},
	} {
		r.exec("CREATE TABLE S.outbox " + tc.table)
		r.refused(adaptertest.NewIntake(), tc.part)
		r.exec("DROP TABLE S.outbox")
	}
	r.refused(adaptertest.NewIntake(), "there is no table")
	r.outbox()
	r.exec("CREATE ROLE arm_" + r.schema + " LOGIN")
	r.exec("GRANT USAGE ON SCHEMA " + r.schema + " TO arm_" + r.schema)
	r.more += "database: {hosts: [" + r.c.Dir + "], name: postgres, user: arm_" + r.schema + "}\n"
	r.refused(adaptertest.NewIntake(), "GRANT SELECT")
	r.exec("GRANT SELECT ON S.outbox TO arm_" + r.schema)
	r.exec("ALTER TABLE S.outbox ENABLE ROW LEVEL SECURITY")
	r.refused(adaptertest.NewIntake(), "BYPASSRLS")
	r.exec("ALTER TABLE S.outbox DISABLE ROW LEVEL SECURITY")
	r.more += "habit: delete\n"
	r.refused(adaptertest.NewIntake(), "GRANT DELETE")
}

// TestOvertaken: a transaction that began early and commits late is not lost, and
// one that has its number before it waits for the aggregate comes in its order.
func TestOvertaken(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.outbox()
	r.more = plainTypes
	ctx := context.WithoutCancel(t.Context())
	slow := r.c.Dial(t, r.c.DSN("postgres"))
	begin := func(sql string) {
		t.Helper()
		_, err := slow.Exec(ctx, sql)
		must(t, err)
	}
	row := func(n int) string {
		return fmt.Sprintf("INSERT INTO %s.outbox (id, aggregatetype, aggregateid, type, payload) VALUES ('%s', 'Antrag', 'A', 'Angemeldet', '{\"nr\": %d}')", r.schema, idOf(n), n)
	}
	in := adaptertest.NewIntake()
	begin("BEGIN; SELECT pg_current_xact_id()") // it has its number
	r.exec(row(0))                              // a later transaction changes the aggregate
	begin(row(1))                               // and now the early one
	r.play(in, func() bool { return r.looked() })
	if n := len(in.Events()); n != 0 {
		t.Fatalf("%d events although a transaction before them is open", n)
	}
	begin("COMMIT")
	r.play(in, func() bool { return len(in.Events()) == 2 })
	if got := in.Events(); got[0].ID() != idOf(0) || got[1].ID() != idOf(1) {
		t.Error("the order of the aggregate is lost")
	}
	// the same with the later one still held back by a third
	third := r.c.Dial(t, r.c.DSN("postgres"))
	begin("BEGIN; SELECT pg_current_xact_id()")
	_, err := third.Exec(ctx, "BEGIN; SELECT pg_current_xact_id()")
	must(t, err)
	r.exec(row(2))
	begin(row(3))
	begin("COMMIT") // below the horizon, and its predecessor is not
	sum := sha256.Sum256([]byte(idOf(3)))
	r.play(in, func() bool { // until it has remembered that, too
		raw, err := in.State().Get(ctx, "cursor")
		must(t, err)
		return len(in.Events()) == 4 && bytes.Contains(raw, fmt.Appendf(nil, `"row":"%x"`, sum[:8]))
	})
	if got := in.Events(); got[2].ID() != idOf(2) || got[3].ID() != idOf(3) {
		t.Error("the order of the aggregate is lost")
	}
	_, err = third.Exec(ctx, "ROLLBACK")
	must(t, err)
	calls := 0
	in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error { calls++; return store() })
	r.exec(row(4))
	r.play(in, func() bool { return len(in.Events()) == 5 })
	if calls != 1 {
		t.Errorf("%d events were published, want 1: what was read ahead came again", calls)
	}
}

// looked waits until the adapter has looked a few times: its session is idle again
// after a query that began later than the call before.
func (r *room) looked() bool {
	r.t.Helper()
	return r.count(strings.ReplaceAll(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'amtsbote test' AND query LIKE '%SCHEMA%'
AND state = 'idle' AND query_start > backend_start + interval '100 milliseconds'`, "SCHEMA", r.schema)) > 0
}
