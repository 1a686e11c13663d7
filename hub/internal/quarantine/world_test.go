package quarantine

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
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

const reason = "Im Test erledigt"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(hubtest.Patience)
	for !ok() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited for %s", what)
		}
	}
}

// receipts has alpha.app told of its events, in the mailbox alpha.post.
func receipts(tb testing.TB, dir string) {
	tb.Helper()
	path := filepath.Join(dir, "organisations", "alpha.yaml")
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	text := strings.Replace(string(raw), "    title: Alpha\n", "    title: Alpha\n    receipts: alpha.post\n", 1) +
		"  - id: alpha.post\n    title: Post\n    mailbox: {mode: nats}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// noAgreements leaves nobody who may have anything.
func noAgreements(tb testing.TB, dir string) {
	tb.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "agreements")); err != nil {
		tb.Fatal(err)
	}
}

// world is an organisation's side of a hub that runs.
type world struct {
	t       *testing.T
	b       *bus.Bus
	full    *flow.Version // with agreements
	none    *flow.Version // without
	version atomic.Pointer[flow.Version]
	index   *index.Index
	clerk   *Clerk
	store   *bus.Store
	log     *zap.Logger
	stop    func()
	parking *flow.Parking
	mutex   *sync.Mutex
}

func newWorld(t *testing.T) *world {
	t.Helper()
	b := hubtest.Bus(t)
	store, err := b.EnsureStore(t.Context(), 1<<20, 1)
	must(t, err)
	w := &world{
		t: t, b: b, store: store, log: zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel)),
		full: flow.NewVersion(hubtest.Changed(t, receipts)), none: flow.NewVersion(hubtest.Changed(t, receipts, noAgreements)),
	}
	w.version.Store(w.full)
	w.start()
	return w
}

// start runs the lanes as a fresh process would: what they know they read.
func (w *world) start() {
	w.t.Helper()
	x, err := index.Open(filepath.Join(w.t.TempDir(), "index"), index.Options{})
	must(w.t, err)
	w.index, w.mutex = x, &sync.Mutex{}
	w.parking = &flow.Parking{Organisation: "alpha", Bus: w.b, Index: x, Deciding: w.mutex, Decided: func(*decision.Decision) {}, Current: w.version.Load, Log: w.log}
	ctx, cancel := context.WithCancel(w.t.Context())
	var group sync.WaitGroup
	for _, in := range []string{bus.InStream("alpha"), bus.EdgeStream("alpha")} {
		l := &flow.Lane{
			Organisation: "alpha", In: in, Bus: w.b, Index: x, Current: w.version.Load, Now: time.Now, Deciding: w.mutex, Parking: w.parking,
			Decided: func(*decision.Decision) {}, Log: w.log,
		}
		group.Go(func() { _ = l.Run(ctx) })
	}
	group.Go(func() { _ = w.parking.Run(ctx) })
	w.stop = sync.OnceFunc(func() { cancel(); group.Wait(); _ = x.Close() })
	w.t.Cleanup(w.stop)
	await(w.t, "the lanes", w.parking.CaughtUp)
	w.newClerk()
}

// newClerk is one that knows nothing, as after a restart. It does not run.
func (w *world) newClerk() *Clerk {
	w.t.Helper()
	w.clerk = &Clerk{
		Organisation: "alpha", Bus: w.b, Index: w.index, Store: w.store, Deciding: w.mutex, CaughtUp: w.parking.CaughtUp, Current: w.version.Load,
		Decided: func(*decision.Decision) {}, Now: time.Now, Log: w.log,
	}
	must(w.t, w.clerk.load(w.t.Context()))
	return w.clerk
}

// run lets the clerk work until stop.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.clerk.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(stop)
	return stop
}

// refused publishes an event and gives where it rests in quarantine.
func (w *world) refused(m event.Message) uint64 {
	w.t.Helper()
	seq, err := w.b.Publish(w.t.Context(), m)
	must(w.t, err)
	var at uint64
	await(w.t, "an event in quarantine", func() bool {
		must(w.t, w.b.Read(w.t.Context(), bus.Quarantine, 1, []string{"quarantine.alpha.>"}, func(q *event.Message) error {
			if it, ok := Read(q); ok && it.Of == (decision.Ref{In: bus.InStream("alpha"), Seq: seq}) {
				at = q.Seq
			}
			return nil
		}))
		return at > 0
	})
	return at
}

// invalid is an event that breaks its schema.
func (w *world) invalid(id string) uint64 {
	w.t.Helper()
	return w.refused(hubtest.Event(id, hubtest.Ding, "fall-"+id, `{"n":true}`))
}

// unrouted is an event that nobody may have until there are agreements again.
func (w *world) unrouted(id string) uint64 {
	w.t.Helper()
	w.version.Store(w.none)
	defer w.version.Store(w.full)
	return w.refused(hubtest.Event(id, hubtest.Ding, "fall-"+id, `{"n":1}`))
}

// edited is the event corrected.
func edited(id, data string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"correlationid":%q,"datacontenttype":"application/json","data":%s}`,
		id, hubtest.Source, hubtest.Ding, "fall-"+id, data)
}

func (w *world) request(act string, seq uint64, id string) Request {
	r := Request{Act: act, Seq: seq, Who: "test", Reason: reason}
	if act == decision.ActQuarantineEdit {
		r.Edited = edited(id, `{"n":7}`)
	}
	return r
}

// count tells how many messages of a stream fit.
func (w *world) count(stream, filter string, fits func(*event.Message) bool) (n int) {
	w.t.Helper()
	must(w.t, w.b.Read(w.t.Context(), stream, 1, []string{filter}, func(m *event.Message) error {
		if fits == nil || fits(m) {
			n++
		}
		return nil
	}))
	return n
}

// copies of an event that beta.one has got.
func (w *world) copies(id string) int {
	return w.count(bus.Out, "out.beta.one.>", func(m *event.Message) bool {
		e := m.Get("ce-id") == id
		return e || strings.Contains(string(m.Data), fmt.Sprintf("%q:%q", "id", id))
	})
}

// acts on an event in quarantine that the trail knows.
func (w *world) acts(seq uint64) int { return w.count(bus.Trail, decision.ClearedBy(seq), nil) }

// decisions on events with an id, in order.
func (w *world) decisions(id string) (out []*decision.Decision) {
	w.t.Helper()
	must(w.t, w.b.Read(w.t.Context(), bus.Trail, 1, []string{"trail.decision.>"}, func(m *event.Message) error {
		ds, err := trail.ReadDecisions(m)
		for _, d := range ds {
			if d.ID == id {
				out = append(out, d)
			}
		}
		return err
	}))
	return out
}

// ended waits until an act has come to its end, and sees that it has been done once.
func (w *world) ended(act string, seq uint64, id string) {
	t := w.t
	t.Helper()
	await(t, act+" to end", func() bool {
		subjects, err := w.b.Subjects(t.Context(), bus.Quarantine, markRoot+"*")
		must(t, err)
		return len(subjects) == 0
	})
	if m, err := w.b.Get(t.Context(), bus.Quarantine, seq); err != nil || m != nil {
		t.Errorf("%s: it rests in quarantine still: %v %v", act, m, err)
	}
	if n := w.acts(seq); n != 1 {
		t.Errorf("%s: the trail has %d acts", act, n)
	}
	seen, _ := w.index.Lookup(event.IdentityOf(hubtest.Source, id))
	switch act {
	case decision.ActQuarantineResubmit, decision.ActQuarantineEdit:
		await(t, "the copy", func() bool { return w.copies(id) > 0 })
		w.settled()
		if n := w.copies(id); n != 1 {
			t.Errorf("%s: %d copies", act, n)
		}
	case decision.ActQuarantineReturn:
		told := func(m *event.Message) bool { return strings.Contains(string(m.Data), reason) }
		if n := w.count(bus.Out, "out.alpha.post.>", func(m *event.Message) bool {
			return m.Get("ce-causationid") == id && told(m)
		}); n != 1 || seen.Code != refusal.Returned {
			t.Errorf("%d receipts of what went back, known as %s", n, seen.Code)
		}
	case decision.ActQuarantineDiscard:
		if seen.Code != refusal.Discarded {
			t.Errorf("discarded, and known as %s", seen.Code)
		}
	}
	if _, err := Original(t.Context(), w.b, seq); err != nil {
		t.Error(err)
	}
}

// settled waits until all that came by the edge stream is decided.
func (w *world) settled() {
	w.t.Helper()
	last, err := w.b.LastSeq(w.t.Context(), bus.EdgeStream("alpha"))
	must(w.t, err)
	await(w.t, "the edge stream", func() bool {
		n := 0
		must(w.t, w.b.Read(w.t.Context(), bus.Trail, 1, []string{"trail.decision." + bus.EdgeStream("alpha") + ".>"}, func(m *event.Message) error {
			ds, err := trail.ReadDecisions(m)
			n += len(ds)
			return err
		}))
		return uint64(n) >= last
	})
}
