package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/postgres/pgtest"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	writers    = 8
	aggregates = 40
)

// rowsWanted is small in a check; AMTSBOTE_OUTBOX_ROWS=200000 is the long form.
func rowsWanted(t *testing.T) int {
	t.Helper()
	text := os.Getenv("AMTSBOTE_OUTBOX_ROWS")
	if text == "" {
		return 3000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 100 {
		t.Fatalf("AMTSBOTE_OUTBOX_ROWS=%q", text)
	}
	return n
}

// office is an application that writes its outbox in the transactions that change
// its aggregates: some slow, some rolled back.
type office struct {
	dsn     string
	schema  string
	written atomic.Int64
	wanted  int64
}

// write works until enough is written; the server may go away meanwhile.
func (o *office) write(ctx context.Context, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	for o.written.Load() < o.wanted {
		if conn == nil || conn.IsClosed() {
			var err error
			if conn, err = pgx.Connect(ctx, o.dsn); err != nil {
				conn = nil
				if ctx.Err() != nil {
					return err
				}
				continue // the server is away
			}
		}
		n, err := o.transaction(ctx, conn, random)
		if err != nil && !conn.IsClosed() && ctx.Err() == nil && !errors.Is(err, errRolledBack) {
			return err
		}
		if err == nil {
			o.written.Add(int64(n))
		}
	}
	return nil
}

var errRolledBack = errors.New("rolled back")

// transaction changes some aggregates. That of a transaction which has its number
// already, when it waits for an aggregate, is the trap of the order.
func (o *office) transaction(ctx context.Context, conn *pgx.Conn, random *rand.Rand) (rows int, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // after Commit it does nothing
	if random.IntN(3) == 0 {
		if _, err := tx.Exec(ctx, "SELECT pg_current_xact_id()"); err != nil {
			return 0, err
		}
	}
	some := random.Perm(aggregates)[:1+random.IntN(3)]
	slices.Sort(some) // no deadlocks
	for _, a := range some {
		for range 1 + random.IntN(4) {
			rows++
			if _, err := tx.Exec(ctx, strings.ReplaceAll(`WITH n AS (UPDATE S.aggregate SET n = n + 1 WHERE id = $1 RETURNING n)
INSERT INTO S.outbox (id, aggregatetype, aggregateid, type, payload)
SELECT gen_random_uuid(), 'Antrag', md5($1::text)::uuid::text, 'Angemeldet', jsonb_build_object('a', $1::int, 'n', n) FROM n`, "S.", o.schema+"."), a); err != nil {
				return 0, err
			}
		}
		if slow := random.IntN(60); slow == 0 {
			if _, err := tx.Exec(ctx, "SELECT pg_sleep(0.05)"); err != nil {
				return 0, err
			}
		}
	}
	if random.IntN(10) == 0 {
		return 0, errRolledBack
	}
	return rows, tx.Commit(ctx)
}

// TestStory: 8 writers with slow transactions and rollbacks; the adapter is stopped
// again and again at any moment, the server crashes. Every committed row is an
// event once, in the order of its aggregate.
func TestStory(t *testing.T) {
	wanted := rowsWanted(t)
	r := newRoom(t, pgtest.New(t))
	r.outbox()
	r.exec("CREATE TABLE S.aggregate AS SELECT i AS id, 0 AS n FROM generate_series(0, $1::int) i", aggregates)
	r.exec("ALTER TABLE S.aggregate ADD PRIMARY KEY (id)")
	r.more = "types: {Angemeldet: de.test.geschehen.v1}\nbatch: 200\n"
	o := &office{dsn: r.c.DSN("postgres"), schema: r.schema, wanted: int64(wanted)}
	in := adaptertest.NewIntake()
	watch := newOrderWatch(in)

	began := time.Now()
	var group sync.WaitGroup
	failed := make(chan error, writers)
	for n := range writers {
		group.Go(func() { failed <- o.write(t.Context(), uint64(n)) }) //nolint:gosec // small
	}
	random := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a test's
	crashes := 2
	for round := 0; o.written.Load() < o.wanted; round++ {
		r.runUntil(t, in, watch, random.IntN(wanted/8)+1)
		if crashes > 0 && o.written.Load() > o.wanted*int64(3-crashes)/4 {
			crashes--
			must(t, r.c.Stop(syscall.SIGQUIT))
			must(t, r.c.Start())
		}
	}
	group.Wait()
	for range writers {
		must(t, <-failed)
	}
	r.conn = r.c.Dial(t, r.c.DSN("postgres"))
	rows := r.count("SELECT count(*) FROM S.outbox")
	if rest := rows - watch.seen(); rest > 0 {
		r.runUntil(t, in, watch, rest)
	}
	t.Logf("%d rows in %v", rows, time.Since(began).Round(time.Millisecond))
	must(t, in.Breaches())
	watch.complete(t, r)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *room) count(sql string) (n int) {
	r.t.Helper()
	must(r.t, r.conn.QueryRow(context.WithoutCancel(r.t.Context()), strings.ReplaceAll(sql, "S.", r.schema+".")).Scan(&n))
	return n
}

// runUntil runs a source as one start of the hub does, until so many more events
// are stored, or as many as there are; then it ends in the middle of what it does.
func (r *room) runUntil(t *testing.T, in *adaptertest.Intake, watch *orderWatch, more int) {
	t.Helper()
	source, err := r.source()
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	watch.until(more, cancel)
	if err := source.Run(ctx, in); err != nil {
		t.Fatal(err)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatalf("%d events, and no more", watch.seen())
	}
}

// orderWatch judges what is stored, as it comes.
type orderWatch struct {
	mu    sync.Mutex
	last  map[int]int // by aggregate
	ids   map[string]bool
	stop  func()
	left  int
	wrong []string
}

func newOrderWatch(in *adaptertest.Intake) *orderWatch {
	w := &orderWatch{last: map[int]int{}, ids: map[string]bool{}}
	in.Follow(func(_ context.Context, _ int, e hub.Event, store func() error) error {
		if err := store(); err != nil {
			return err
		}
		w.take(e)
		return nil
	})
	return w
}

func (w *orderWatch) until(more int, stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left, w.stop = more, stop
}

func (w *orderWatch) seen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.ids)
}

func (w *orderWatch) take(e hub.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ids[e.ID()] {
		return // again, after a stop: the hub knows it
	}
	w.ids[e.ID()] = true
	var data struct{ A, N int }
	if err := json.Unmarshal(e.Data(), &data); err != nil {
		w.wrong = append(w.wrong, err.Error())
	}
	if data.N != w.last[data.A]+1 {
		w.wrong = append(w.wrong, fmt.Sprintf("aggregate %d: %d after %d", data.A, data.N, w.last[data.A]))
	}
	w.last[data.A] = data.N
	if w.left--; w.left <= 0 || len(w.wrong) > 20 {
		w.stop()
	}
}

func (w *orderWatch) complete(t *testing.T, r *room) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.wrong {
		t.Error(s)
	}
	if n := r.count("SELECT count(*) FROM S.outbox"); n != len(w.ids) {
		t.Errorf("%d events of %d rows", len(w.ids), n)
	}
	for a, last := range w.last {
		if n := r.count(fmt.Sprintf("SELECT n FROM S.aggregate WHERE id = %d", a)); n != last {
			t.Errorf("aggregate %d ends at %d, its events at %d", a, n, last)
		}
	}
}
