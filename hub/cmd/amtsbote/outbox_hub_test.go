package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amtsbote/amtsbote/adapters/postgres/pgtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// outboxRun is eight writers at an outbox, the hub between it and an inbox, and what
// is done to hub, adapter and database meanwhile.
type outboxRun struct {
	*postgresStory

	h      *host
	conn   *pgx.Conn // kept, where the database is there
	office *pgtest.Office
	rows   int
	began  time.Time
	done   map[string]int // what was done, and how often
	commit string
}

// TestOutboxThroughTheHub: eight writers with slow transactions and rollbacks; the
// hub, adapters and all, is killed by SIGKILL at random and stopped in order, the
// adapter alone is started anew, and the database crashes and restarts. Every
// committed row lies in the receiver's inbox, once, in the order of its aggregate.
func TestOutboxThroughTheHub(t *testing.T) {
	if raced.On {
		t.Skip("the hub is a process of its own: the adapter's own tests look for races")
	}
	t.Parallel()
	o := newOutboxRun(t, pgtest.Rows(t, 400))
	seed := chaosSeed(t)
	finished := o.office.Start(t.Context())
	o.upheavals(rand.New(rand.NewPCG(seed, 1)))
	if err := finished(); err != nil {
		t.Fatal(err)
	}
	want := o.count("SELECT count(*) FROM outbox")
	o.arrive(want)
	took := time.Since(o.began)
	o.h.stop()
	o.judge()
	o.report(want, took, seed)
}

func newOutboxRun(t *testing.T, rows int) *outboxRun {
	t.Helper()
	bin := buildHub(t)
	o := &outboxRun{postgresStory: newPostgresStory(t), rows: rows, done: map[string]int{}, commit: commit()}
	o.h = newHost(t, bin, "")
	if err := os.RemoveAll(o.h.fed); err != nil {
		t.Fatal(err)
	}
	o.directory(o.h.fed)
	if code, out := check(t, o.h.fed); code != 0 || !strings.Contains(out, "0 errors") {
		t.Fatalf("check: %d %s", code, out)
	}
	o.h.start()
	o.sql("verbund", o.insert)
	eventually(t, "the README's row to arrive", func() error {
		if n := o.count("SELECT count(*) FROM inbox WHERE type = 'de.gebuehr.bezahlt.v1' AND data->>'kassenzeichen' = '9100.2026.0044107'"); n != 1 {
			return fmt.Errorf("%d rows", n)
		}
		return nil
	})
	o.sql("verbund", "TRUNCATE inbox; DELETE FROM outbox")
	o.office = &pgtest.Office{
		DSN: o.server.DSN("verbund"), Schema: "public", Wanted: int64(rows), Type: "GebuehrBezahlt",
		Payload: `jsonb_build_object('vorgang', jsonb_build_object('id', md5($1::text)), 'kassenzeichen', n::text, 'betrag', jsonb_build_object('cent', $1::int, 'waehrung', 'EUR'), 'bezahlt', '2026-05-04T12:00:00+02:00')`,
	}
	if err := o.office.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.began = time.Now()
	return o
}

// upheavals are spread over the run: the first half of them while the writers write.
func (o *outboxRun) upheavals(random *rand.Rand) {
	all := []struct {
		what string
		do   func()
	}{
		{"kills with a crash of the database", func() { o.h.kill(); o.database(syscall.SIGQUIT); o.h.start() }},
		{"kills", func() { o.h.kill(); o.h.start() }},
		{"restarts of the database", func() { o.database(syscall.SIGINT) }},
		{"restarts of the adapter", o.adapter},
		{"crashes of the database", func() { o.database(syscall.SIGQUIT) }},
		{"restarts of the hub", func() { o.h.stop(); o.h.start() }},
	}
	times := 2
	if o.rows > 10_000 {
		times = 2 * len(all)
	}
	for n := range times {
		step := o.rows * (n + 1) / (times + 2)
		if at := step - random.IntN(step/(2*(n+1))+1); n < times/2 {
			o.written(2 * at)
		} else {
			o.arrive(at)
		}
		one := all[n%len(all)]
		o.done[one.what]++
		one.do()
		if !o.h.comesUp() {
			o.t.Fatalf("the hub ended after one of the %s", one.what)
		}
		if o.rows > 10_000 {
			o.t.Logf("%v: %d written, %d arrived; one of the %s", time.Since(o.began).Round(time.Second), o.office.Written(), o.arrived(), one.what)
		}
	}
}

// database ends the server by a signal and starts it again.
func (o *outboxRun) database(how syscall.Signal) {
	o.t.Helper()
	if err := o.server.Stop(how); err != nil {
		o.t.Fatal(err)
	}
	if err := o.server.Start(); err != nil {
		o.t.Fatal(err)
	}
}

// adapter has the hub start the adapter anew, which is what a changed file does.
func (o *outboxRun) adapter() {
	o.t.Helper()
	o.directory(o.h.fed)
	file, err := os.OpenFile(filepath.Join(o.h.fed, "adapters", "kasse.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(file, "  poll: %dms\n", 4000+o.done["restarts of the adapter"])
		err = errors.Join(err, file.Close(), o.h.cmd.Process.Signal(syscall.SIGHUP))
	}
	if err != nil {
		o.t.Fatal(err)
	}
}

// written waits until so many rows are committed.
func (o *outboxRun) written(n int) {
	o.t.Helper()
	o.progress(n, "written", func() int { return int(o.office.Written()) })
}

// arrive waits until so many rows lie in the inbox.
func (o *outboxRun) arrive(n int) {
	o.t.Helper()
	o.progress(n, "arrived", o.arrived)
}

// progress waits as long as it goes on: how fast that is is not judged. Looking costs
// a fraction of the time, however many rows there are to count.
func (o *outboxRun) progress(n int, what string, now func() int) {
	o.t.Helper()
	last, since := -1, time.Now()
	for {
		asked := time.Now()
		got := now()
		if got >= n {
			return
		}
		if got != last {
			last, since = got, time.Now()
		}
		if time.Since(since) > patience {
			o.t.Fatalf("%d of %d rows have %s, and no more", got, n, what)
		}
		<-time.After(max(20*time.Millisecond, 20*time.Since(asked)))
	}
}

// arrived counts over one connection; the database may have been away.
func (o *outboxRun) arrived() (n int) {
	o.t.Helper()
	ctx := context.WithoutCancel(o.t.Context())
	for again := true; ; again = false {
		err := o.dial(ctx).QueryRow(ctx, "SELECT count(*) FROM inbox").Scan(&n)
		if err == nil {
			return n
		}
		_ = o.conn.Close(ctx)
		if !again {
			o.t.Fatal(err)
		}
	}
}

func (o *outboxRun) dial(ctx context.Context) *pgx.Conn {
	o.t.Helper()
	if o.conn == nil || o.conn.IsClosed() {
		conn, err := pgx.Connect(ctx, o.server.DSN("verbund"))
		if err != nil {
			o.t.Fatal(err)
		}
		o.conn = conn
		o.t.Cleanup(func() { _ = conn.Close(ctx) })
	}
	return o.conn
}

func (o *outboxRun) judge() {
	o.t.Helper()
	for what, query := range map[string]string{
		"rows in the inbox that are not in the outbox": "SELECT count(*) FROM inbox i WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.id::text = i.event_id)",
		"rows of the outbox that are not in the inbox": "SELECT count(*) FROM outbox o WHERE NOT EXISTS (SELECT FROM inbox i WHERE o.id::text = i.event_id)",
		"events twice in the inbox":                    "SELECT count(*) - count(DISTINCT event_id) FROM inbox",
		"events out of the order of their aggregate": `SELECT count(*) FROM (SELECT (data->>'kassenzeichen')::int AS n,
  row_number() OVER (PARTITION BY data->'vorgang' ORDER BY seq) AS place FROM inbox) x WHERE n <> place`,
	} {
		if n := o.count(query); n != 0 {
			o.t.Errorf("%d %s", n, what)
		}
	}
}

// report prints what happened, and appends it to the file AMTSBOTE_OUTBOX_REPORT.
func (o *outboxRun) report(rows int, took time.Duration, seed uint64) {
	o.t.Helper()
	result := "all arrived, once, in the order of their aggregates"
	if o.t.Failed() {
		result = "FAILED"
	}
	var w strings.Builder
	fmt.Fprintf(&w, "\n## %s, %d rows: %s\n\n- commit %s; %s, %s/%s, %d cores; PostgreSQL %s; seed %d\n- %v, which is %d rows a second\n", time.Now().UTC().Format(time.DateOnly), rows, result,
		o.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), o.version(), seed, took.Round(time.Second), int(float64(rows)/took.Seconds()))
	for _, what := range slices.Sorted(maps.Keys(o.done)) {
		fmt.Fprintf(&w, "- %d %s\n", o.done[what], what)
	}
	o.t.Log(w.String())
	if path := os.Getenv("AMTSBOTE_OUTBOX_REPORT"); path != "" {
		keepReport(o.t, path, w.String())
	}
}

func (o *outboxRun) version() (version string) {
	o.t.Helper()
	ctx := context.WithoutCancel(o.t.Context())
	if err := o.dial(ctx).QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		o.t.Fatal(err)
	}
	return version
}
