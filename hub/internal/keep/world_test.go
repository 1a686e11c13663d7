package keep

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

const inAlpha = "IN_alpha"

// clock is moved by hand; it begins at the server's time.
type clock struct {
	mu   sync.Mutex
	plus time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.plus)
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plus += d
}

// retaining changes the test federation: the copies of
// Ding expire after a day at beta.one and after half a day at beta.two; Sache is not kept at all; alpha gets its
// receipts in alpha.post.
func retaining(tb testing.TB, dir string) {
	tb.Helper()
	hubtest.AddSache(tb, dir)
	edit(tb, filepath.Join(dir, "agreements", "ding-eins.yaml"), "purpose: Test\n", "purpose: Test\nretain: P1D\n")
	edit(tb, filepath.Join(dir, "agreements", "ding-zwei.yaml"), "purpose: Test\n", "purpose: Test\nretain: PT12H\n")
	edit(tb, filepath.Join(dir, "schemas", hubtest.Sache, "schema.json"), `"x-nicht-personenbezogen": true,`, `"x-nicht-personenbezogen": true, "x-keep": "P0D",`)
	edit(tb, filepath.Join(dir, "organisations", "alpha.yaml"), "    title: Alpha\n",
		"    title: Alpha\n    receipts: alpha.post\n")
	edit(tb, filepath.Join(dir, "organisations", "alpha.yaml"), "applications:\n",
		"applications:\n  - id: alpha.post\n    title: Post\n    mailbox: {mode: nats}\n")
}

// confirming has alpha told of each copy of Ding that beta.one has taken.
func confirming(tb testing.TB, dir string) {
	tb.Helper()
	edit(tb, filepath.Join(dir, "agreements", "ding-eins.yaml"), "retain: P1D\n", "retain: P1D\nreceipts: [delivered]\n")
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

// world is a hub without its wiring, on a store that outlives it.
type world struct {
	t     *testing.T
	dir   string
	fed   *federation.Federation
	clock clock

	server *bus.Server
	bus    *bus.Bus
	*running
}

// running is what a process knows.
type running struct {
	index    *index.Index
	hands    *mailbox.Hands
	recorder *mailbox.Recorder
	box      *mailbox.Mailbox // of beta.one; nil when it is not served
	stop     func()
}

func newWorld(t *testing.T, more ...func(testing.TB, string)) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), fed: hubtest.Changed(t, append([]func(testing.TB, string){retaining}, more...)...)}
	one, _ := w.fed.Application("beta.one")
	one.Mailbox.Mode = federation.ModeSink // without an adapter the directory would not compile
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *world) open() {
	w.t.Helper()
	ctx := w.t.Context()
	var err error
	if w.server, err = bus.StartEmbedded(bus.Embedded{Dir: w.dir, MaxStore: hubtest.Layout.Total(hubtest.Organisations), AllowTemp: true}, zap.NewNop()); err != nil {
		w.t.Fatal(err)
	}
	if w.bus, err = w.server.Connect(ctx, zap.NewNop()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.bus.EnsureStreams(ctx, hubtest.Layout.Specs(hubtest.Organisations)); err != nil {
		w.t.Fatal(err)
	}
	for _, app := range []string{"alpha.post", "beta.one", "beta.two"} {
		if err := w.bus.EnsureMailbox(ctx, app, 256); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) close() {
	w.end()
	if w.bus != nil {
		w.bus.Close()
		w.server.Stop()
		w.bus = nil
	}
}

// begin starts the lanes of alpha and, with a sink, the mailbox of beta.one. A
// later begin is a new process.
func (w *world) begin(sink hub.Sink) {
	w.t.Helper()
	w.end()
	x := index.New()
	if err := w.bus.Often(w.t.Context(), bus.Trail, 1, nil, x.Apply); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	r := &running{index: x, hands: mailbox.NewHands(), stop: func() { cancel(); wg.Wait() }}
	log := zaptest.NewLogger(w.t, zaptest.Level(zap.ErrorLevel))
	r.recorder = mailbox.NewRecorder(w.bus, x, func(*decision.Delivery) {}, log)
	wg.Go(func() { _ = r.recorder.Run(ctx) })
	version, deciding, told := flow.NewVersion(w.fed), &sync.Mutex{}, func(*decision.Decision) {}
	parking := &flow.Parking{Organisation: "alpha", Bus: w.bus, Index: x, Deciding: deciding, Decided: told, Log: log}
	wg.Go(func() { _ = parking.Run(ctx) })
	for _, in := range []string{inAlpha, "EDGE_alpha"} {
		l := &flow.Lane{
			Organisation: "alpha", In: in, Bus: w.bus, Current: func() *flow.Version { return version }, Index: x, Now: w.clock.now,
			Deciding: deciding, Parking: parking, Decided: told, Log: log,
		}
		wg.Go(func() { _ = l.Run(ctx) })
	}
	if sink != nil {
		r.box = &mailbox.Mailbox{
			Application: "beta.one", Sink: sink, Bus: w.bus, Index: x, Recorder: r.recorder, Hands: r.hands, Log: zap.NewNop(),
			Budget: settle.Budget{Attempts: 2, Time: time.Millisecond},
		}
		wg.Go(func() { _ = r.box.Run(ctx) })
	}
	w.running = r
}

func (w *world) end() {
	if w.running != nil {
		w.stop()
		w.running = nil
	}
}

// keeper makes one as a fresh process would; crash may be nil.
func (w *world) keeper(crash func(string)) *Keeper {
	k := &Keeper{
		Bus: w.bus, Index: w.index, Hands: w.hands, Recorder: w.recorder, Now: w.clock.now, Log: zap.NewNop(),
		Federation: func() *federation.Federation { return w.fed }, Delivered: func(*decision.Delivery) {}, crash: crash,
	}
	if box := w.box; box != nil {
		k.Emptied = func(ctx context.Context, key decision.ParkedKey) { _ = box.Release(ctx, key.Token) }
	}
	return k
}

func (w *world) run(k *Keeper) {
	w.t.Helper()
	w.await("the lanes' cursors", func() bool { return w.bus.Settled(bus.Out) == math.MaxUint64 })
	if err := k.Once(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) publish(msgs ...event.Message) {
	w.t.Helper()
	for _, m := range msgs {
		if _, err := w.bus.Publish(w.t.Context(), m); err != nil {
			w.t.Fatal(err)
		}
	}
}

func ding(n int, key string) event.Message {
	return hubtest.Event(fmt.Sprintf("e%d", n), hubtest.Ding, key, fmt.Sprintf(`{"n":%d}`, n))
}

// messages counts what lies at a subject of a stream.
func (w *world) messages(stream, filter string) (n uint64) {
	w.t.Helper()
	subjects, err := w.bus.Subjects(w.t.Context(), stream, filter)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, some := range subjects {
		n += some
	}
	return n
}

// await waits for what comes by itself.
func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.After(hubtest.Patience)
	for !ok() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			w.t.Fatalf("waited for %s", what)
		}
	}
}

// carriedOut waits until all that lies in IN_alpha is.
func (w *world) carriedOut() {
	w.t.Helper()
	last, err := w.bus.LastSeq(w.t.Context(), inAlpha)
	if err != nil {
		w.t.Fatal(err)
	}
	w.await("all to be carried out", func() bool {
		upTo, err := w.keeper(nil).carriedOut(w.t.Context(), inAlpha)
		if err != nil {
			w.t.Fatal(err)
		}
		return upTo >= last
	})
}

// take takes what lies in a mailbox of mode nats, up to n copies.
func (w *world) take(application string, n int) (ids []string) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	time.AfterFunc(20*time.Second, cancel)
	if n == 0 {
		return nil
	}
	err := w.bus.HandOut(ctx, application, func(c *bus.Copy) {
		if len(ids) == n {
			return
		}
		if err := c.Ack(w.t.Context()); err != nil {
			w.t.Error(err)
		}
		if ids = append(ids, c.Get(event.HeaderDelivery)); len(ids) == n {
			cancel()
		}
	})
	if err != nil || len(ids) != n {
		w.t.Fatalf("took %d of %d copies from %s: %v", len(ids), n, application, err)
	}
	return ids
}

// outcomes reads what the trail says of each copy: results by delivery id.
func (w *world) outcomes() map[string][]decision.Result {
	w.t.Helper()
	out := map[string][]decision.Result{}
	err := w.bus.Often(w.t.Context(), bus.Trail, 1, []string{"trail.delivery.>"}, func(m *event.Message) error {
		d, err := trail.ReadDelivery(m)
		if err == nil && d.Result != decision.Parked {
			id := fmt.Sprintf("%s-%d-%s", d.In, d.Seq, d.Mailbox)
			out[id] = append(out[id], d.Result)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// decisions reads the decisions on IN_alpha, by sequence.
func (w *world) decisions() map[uint64]*decision.Decision {
	w.t.Helper()
	out := map[uint64]*decision.Decision{}
	err := w.bus.Often(w.t.Context(), bus.Trail, 1, []string{"trail.decision." + inAlpha + ".>"}, func(m *event.Message) error {
		ds, err := trail.ReadDecisions(m)
		for _, d := range ds {
			if out[d.Seq] != nil {
				w.t.Errorf("%d was decided twice", d.Seq)
			}
			out[d.Seq] = d
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// script is a sink that follows a function.
type script func(hub.Delivery) error

func (s script) Deliver(_ context.Context, d hub.Delivery) error { return s(d) }
