package replay

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

var (
	anna  = By{Who: "anna", Person: "1"}
	berta = By{Who: "berta", Person: "2"}
)

// gated has Ding say whether it is blocked, without the mark of a block.
func gated(tb testing.TB, dir string) {
	tb.Helper()
	edit(tb, filepath.Join(dir, "schemas", hubtest.Ding, "schema.json"), `"n": {"type": "number"},`, `"n": {"type": "number"}, "sperre": {"type": "boolean"},`)
}

// blocked is gated, and the mark is there.
func blocked(tb testing.TB, dir string) {
	tb.Helper()
	edit(tb, filepath.Join(dir, "schemas", hubtest.Ding, "schema.json"), `"n": {"type": "number"},`,
		`"n": {"type": "number"}, "sperre": {"type": "boolean", "x-sperre": "auskunftssperre"},`)
}

// without takes the agreement with beta.one out of the directory.
func without(tb testing.TB, dir string) {
	tb.Helper()
	if err := os.Remove(filepath.Join(dir, "agreements", "ding-eins.yaml")); err != nil {
		tb.Fatal(err)
	}
}

// cutting lets beta.one have nothing but a number.
func cutting(tb testing.TB, dir string) {
	tb.Helper()
	edit(tb, filepath.Join(dir, "agreements", "ding-eins.yaml"), "disclose: all", "disclose: [/n]")
}

func edit(tb testing.TB, path, old, now string) {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(raw), old) {
		tb.Fatalf("%s has no %q: %v", path, old, err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(raw), old, now, 1)), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// world is a store on which lanes of alpha have worked, and engines come and go.
type world struct {
	t       *testing.T
	bus     *bus.Bus
	version atomic.Pointer[flow.Version]
	plus    atomic.Int64 // of the clock
	boxes   *quota.Book
	log     *zap.Logger // of engines
}

func newWorld(t *testing.T, edits ...func(testing.TB, string)) *world {
	t.Helper()
	w := &world{t: t, bus: hubtest.Bus(t), log: zap.NewNop()}
	w.use(edits...)
	return w
}

// use puts another version of the directory in force.
func (w *world) use(edits ...func(testing.TB, string)) {
	w.t.Helper()
	w.version.Store(flow.NewVersion(hubtest.Changed(w.t, edits...)))
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.plus.Load())) }

// seen reads the trail as a process that begins does.
func (w *world) seen() *index.Index {
	w.t.Helper()
	x := index.New()
	if err := w.bus.Often(w.t.Context(), bus.Trail, 1, nil, x.Apply); err != nil {
		w.t.Fatal(err)
	}
	return x
}

// flows has events carried out by lanes, as many as are published.
func (w *world) flows(msgs ...event.Message) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	x, deciding, told := w.seen(), &sync.Mutex{}, func(*decision.Decision) {}
	log := zaptest.NewLogger(w.t, zaptest.Level(zap.ErrorLevel))
	parking := &flow.Parking{Organisation: "alpha", Bus: w.bus, Index: x, Deciding: deciding, Decided: told, Log: log}
	wg.Go(func() { _ = parking.Run(ctx) })
	for _, in := range []string{"IN_alpha", "EDGE_alpha"} {
		l := &flow.Lane{
			Organisation: "alpha", In: in, Bus: w.bus, Current: w.version.Load, Index: x, Now: w.now,
			Deciding: deciding, Parking: parking, Decided: told, Log: log,
		}
		wg.Go(func() { _ = l.Run(ctx) })
	}
	before := w.lying("out.beta.two.>")
	for _, m := range msgs {
		if _, err := w.bus.Publish(w.t.Context(), m); err != nil {
			w.t.Fatal(err)
		}
	}
	w.await("all to be carried out", func() bool { return w.lying("out.beta.two.>") == before+uint64(len(msgs)) })
}

func ding(n int, data string) event.Message {
	return hubtest.Event(fmt.Sprintf("e%d", n), hubtest.Ding, fmt.Sprintf("k%d", n%3), data)
}

// dings are events of three keys.
func dings(n int) (out []event.Message) {
	for i := range n {
		out = append(out, ding(i, fmt.Sprintf(`{"n":%d,"text":"t"}`, i)))
	}
	return out
}

func (w *world) lying(filter string) (n uint64) {
	w.t.Helper()
	subjects, err := w.bus.Subjects(w.t.Context(), bus.Out, filter)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, some := range subjects {
		n += some
	}
	return n
}

func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.After(hubtest.Patience)
	for !ok() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			w.t.Fatalf("waited for %s", what)
		}
	}
}

// engine is one process; crash is called at each point, and may end it.
func (w *world) engine(crash func(point string, end func())) (e *Engine, stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	e = &Engine{Bus: w.bus, Index: w.seen(), Current: w.version.Load, Boxes: w.boxes, Now: w.now, Log: w.log}
	if crash != nil {
		e.crash = func(point string) { crash(point, cancel) }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = e.Run(ctx)
	}()
	w.await("the engine to know the replays", func() bool { return !errIs(e.free(), ErrStarting) })
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(stop)
	return e, stop
}

func errIs(err, target error) bool { return err == target } //nolint:errorlint // sentinels of this package, never wrapped

// ask requests a replay to beta.one after a dry run, as fast as can be.
func (w *world) ask(e *Engine, scope decision.ReplayScope) string {
	w.t.Helper()
	return w.askAt(e, MaxRate, scope)
}

func (w *world) askAt(e *Engine, rate int, scope decision.ReplayScope) string {
	w.t.Helper()
	scope.Application = "beta.one"
	found, err := e.DryRun(w.t.Context(), scope, 0)
	if err != nil || !found.Whole {
		w.t.Fatalf("dry run: %+v, %v", found, err)
	}
	id, err := e.Request(w.t.Context(), anna, Wish{Scope: scope, Rate: rate, Reason: "Datenverlust beim Empfänger", Found: found})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// becomes waits until a replay stands somewhere.
func (w *world) becomes(e *Engine, id string, s State) *Run {
	w.t.Helper()
	var r *Run
	w.await("the replay to be "+string(s), func() bool {
		r, _ = e.Find(id)
		return r != nil && r.State(w.now()) == s
	})
	return r
}

// replayed reads the copies in OUT that replays have brought, in order.
func (w *world) replayed() (out []*event.Message) {
	w.t.Helper()
	err := w.bus.Often(w.t.Context(), bus.Out, 1, []string{"out.*.*.>"}, func(m *event.Message) error {
		if m.Get(event.HeaderReplay) != "" {
			out = append(out, m)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// taken has a copy of a replay taken over: it is gone from OUT, and has its outcome.
func (w *world) taken(run string) {
	w.t.Helper()
	for _, m := range w.replayed() {
		if m.Get(event.HeaderReplay) != run {
			continue
		}
		d := &decision.Delivery{Mailbox: "beta.one", Out: m.Seq, In: m.Get(event.HeaderIn), ID: m.Get("ce-id"), Result: decision.Done, At: w.now(), Replay: run}
		if _, err := fmt.Sscan(m.Get(event.HeaderSeq), &d.Seq); err != nil {
			w.t.Fatal(err)
		}
		told, err := trail.Delivery(d)
		if err == nil {
			_, err = w.bus.AppendUnguarded(w.t.Context(), []event.Message{told})
		}
		if err == nil {
			err = w.bus.Delete(w.t.Context(), bus.Out, m.Seq)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		return
	}
	w.t.Fatal("no copy of the replay lies in OUT")
}

// decided reads what replays decided, by verdict, after amendments.
func (w *world) decided(run string) decision.ReplayCounts {
	w.t.Helper()
	last := map[decision.Ref]*decision.Replayed{}
	err := w.bus.Often(w.t.Context(), bus.Trail, 1, []string{"trail.replay.>"}, func(m *event.Message) error {
		rec, err := trail.ReadReplayed(m)
		if err != nil || rec.Run != run {
			return err
		}
		if before := last[rec.Place()]; before != nil && !rec.Amends {
			w.t.Errorf("%s %d was decided twice", rec.In, rec.Seq)
		}
		last[rec.Place()] = rec
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	out := decision.ReplayCounts{}
	for _, rec := range last {
		out[rec.Verdict]++
	}
	return out
}
