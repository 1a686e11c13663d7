package postgres_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/raced"
	"github.com/amtsbote/amtsbote/adapters/postgres"
	"github.com/amtsbote/amtsbote/adapters/postgres/pgtest"
)

// closed tells whether the adapter has remembered that all is read.
func (r *room) closed(in *adaptertest.Intake) bool {
	raw, err := in.State().Get(r.t.Context(), "cursor")
	must(r.t, err)
	return strings.Contains(string(raw), `"to":"0"`) && !strings.Contains(string(raw), `"from":"0"`)
}

// last is the place of the row that was written last.
func (r *room) last() (xid string, seq int64) {
	r.t.Helper()
	must(r.t, r.conn.QueryRow(r.t.Context(), "SELECT xid::text, seq FROM "+r.schema+".outbox ORDER BY seq DESC LIMIT 1").Scan(&xid, &seq))
	return xid, seq
}

// remembered tells whether the place is that of the row that was written last: an
// event may be stored before it is.
func (r *room) remembered(in *adaptertest.Intake) bool {
	r.t.Helper()
	raw, err := in.State().Get(r.t.Context(), "cursor")
	must(r.t, err)
	xid, seq := r.last()
	return strings.Contains(string(raw), fmt.Sprintf(`"last":{"x":"%s","s":%d}`, xid, seq))
}

func (r *room) identity() (text string) {
	r.t.Helper()
	must(r.t, r.conn.QueryRow(r.t.Context(), "SELECT s.system_identifier || '.' || d.oid || '.' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM pg_control_system() s, pg_database d WHERE datname = current_database()").Scan(&text))
	return text
}

// TestCrash: numbers of transactions that were rolled back, and rows that were
// committed without waiting for the disk, are lost in a crash, and the numbers are
// given to others: nothing of these is passed over.
func TestCrash(t *testing.T) {
	raced.Skip(t, "one thing after another")
	c := pgtest.New(t, "-c", "wal_writer_delay=10s")
	r := newRoom(t, c)
	r.outbox()
	r.more = plainTypes
	in := adaptertest.NewIntake()
	r.add(0, 5)
	for range 20 {
		r.exec("BEGIN")
		r.exec("SELECT pg_current_xact_id()")
		r.exec("ROLLBACK")
	}
	r.play(in, func() bool { return len(in.Events()) == 5 && r.closed(in) })
	must(t, c.Stop(syscall.SIGQUIT))
	must(t, c.Start())
	r.at(c)
	r.add(5, 7)
	r.play(in, func() bool { return len(in.Events()) == 7 && r.closed(in) })

	r.exec("SET synchronous_commit = off")
	r.add(7, 12)
	r.play(in, func() bool { return len(in.Events()) == 12 && r.closed(in) })
	must(t, c.Stop(syscall.SIGQUIT))
	must(t, c.Start())
	r.at(c)
	there := r.count("SELECT count(*) FROM S.outbox")
	t.Logf("%d of 12 rows outlast the crash", there)
	r.add(20, 23)
	r.play(in, func() bool { return len(in.Events()) == 15 })
}

// TestLargeTransaction: one that has more rows than a window, behind numbers that
// were rolled back, is read, in order and at once.
func TestLargeTransaction(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.outbox()
	r.more = plainTypes + "batch: 50\n"
	r.add(0, 1)
	for range 3 {
		r.exec("BEGIN")
		r.exec("SELECT pg_current_xact_id()")
		r.exec("ROLLBACK")
	}
	r.exec("INSERT INTO S.outbox (id, aggregatetype, aggregateid, type, payload) SELECT gen_random_uuid(), 'Antrag', 'A', 'Angemeldet', jsonb_build_object('nr', i) FROM generate_series(1, 300) i")
	r.add(1, 3)
	r.window = 100
	in := adaptertest.NewIntake()
	r.play(in, func() bool { return len(in.Events()) == 303 })
	n := 0
	for _, e := range in.Events() {
		if e.Subject() == in.Events()[1].Subject() {
			n++
			if string(e.Data()) != fmt.Sprintf(`{"nr": %d}`, n) {
				t.Fatalf("%s is at place %d", e.Data(), n)
			}
		}
	}
}

// TestStatements: the first rows are taken as they stand, before any size is asked
// for; one transaction is read in the order of the index.
func TestStatements(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.outbox()
	r.exec("INSERT INTO S.outbox (id, aggregatetype, aggregateid, type, payload) SELECT gen_random_uuid(), 'Antrag', 'A', 'Angemeldet', '{}' FROM generate_series(1, 2000) i")
	r.exec("ANALYZE S.outbox")
	sql := postgres.OneTransaction(r.schema, "outbox", 10)
	var xid string
	must(t, r.conn.QueryRow(t.Context(), "SELECT xid::text FROM "+r.schema+".outbox LIMIT 1").Scan(&xid))
	rows, err := r.conn.Query(t.Context(), "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) "+sql, xid, 0)
	must(t, err)
	var plan strings.Builder
	for rows.Next() {
		var line string
		must(t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	must(t, rows.Err())
	if !strings.Contains(plan.String(), "Index Scan") || strings.Contains(plan.String(), "rows=2000") {
		t.Error(plan.String())
	}
}

// TestSetBackBeyond: a database that was set back and has gone on beyond the place,
// with nothing at it, is read again from before it. Accepted by hand it is read
// from the beginning, once.
func TestSetBackBeyond(t *testing.T) {
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
	must(t, c.Stop(syscall.SIGINT))
	must(t, os.RemoveAll(c.Data()))
	must(t, os.Rename(kept, c.Data()))
	must(t, c.Start())
	r.at(c)
	for range 20 { // the numbers of transactions reach beyond the place, the log does not
		r.exec("BEGIN")
		r.exec("SELECT pg_current_xact_id()")
		r.exec("ROLLBACK")
	}
	r.refused(in, "its log ends before")
	r.add(100, 130)
	r.exec("SELECT pg_switch_wal()")
	r.play(in, func() bool { return len(in.Events()) == 45 })

	r.exec("UPDATE S.outbox SET id = gen_random_uuid() WHERE seq <= 3") // what only a new reading shows
	r.more = plainTypes + "accept: \"" + r.identity() + "\"\n"
	r.play(in, func() bool { return len(in.Events()) == 48 })
	r.exec("UPDATE S.outbox SET id = gen_random_uuid() WHERE seq <= 3")
	r.add(200, 201)
	r.play(in, func() bool { return len(in.Events()) == 49 && r.closed(in) })
	if n := len(in.Events()); n != 49 {
		t.Errorf("%d events: accept was acted on again", n)
	}
}

// TestKeep: a place beyond what the database has begun cannot be kept.
func TestKeep(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.outbox()
	r.more = plainTypes
	in := adaptertest.NewIntake()
	r.add(0, 2)
	r.play(in, func() bool { return len(in.Events()) == 2 && r.closed(in) })
	raw, err := in.State().Get(t.Context(), "cursor")
	must(t, err)
	_, rest, _ := strings.Cut(string(raw), `,`)
	must(t, in.State().Put(t.Context(), "cursor", []byte(`{"from":"900000000",`+rest)))
	r.more = plainTypes + "accept-cursor: keep\naccept: \"" + r.identity() + "\"\n"
	r.refused(in, "accept-cursor: keep has no meaning")
}
