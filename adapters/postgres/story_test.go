package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/postgres/pgtest"
	"github.com/amtsbote/amtsbote/hub"
)

// TestStory: 8 writers with slow transactions and rollbacks; the adapter is stopped
// again and again at any moment, the server crashes. Every committed row is an
// event once, in the order of its aggregate.
func TestStory(t *testing.T) {
	wanted := pgtest.Rows(t, 3000)
	r := newRoom(t, pgtest.New(t))
	r.outbox()
	r.more = "types: {Angemeldet: de.test.geschehen.v1}\nbatch: 200\n"
	o := &pgtest.Office{
		DSN: r.c.DSN("postgres"), Schema: r.schema, Wanted: int64(wanted), Type: "Angemeldet",
		Payload: "jsonb_build_object('a', $1::int, 'n', n)",
	}
	must(t, o.Open(t.Context()))
	in := adaptertest.NewIntake()
	watch := newOrderWatch(in)

	began := time.Now()
	finished := o.Start(t.Context())
	random := rand.New(rand.NewPCG(7, 7))
	crashes := 2
	for round := 0; o.Written() < int64(wanted); round++ {
		r.runUntil(t, in, watch, random.IntN(wanted/8)+1)
		t.Logf("%d events of %d rows after %v", watch.seen(), o.Written(), time.Since(began).Round(time.Second))
		if crashes > 0 && o.Written() > int64(wanted)*int64(3-crashes)/4 {
			crashes--
			must(t, r.c.Stop(syscall.SIGQUIT))
			must(t, r.c.Start())
		}
	}
	must(t, finished())
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
