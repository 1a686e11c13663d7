package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

func ending(out uint64, result decision.Result) *decision.Delivery {
	return &decision.Delivery{Mailbox: "beta.one", Out: out, ID: fmt.Sprintf("e%d", out), Result: result}
}

// recorded lists the outcomes in the trail, in order.
func recorded(t *testing.T, b *bus.Bus) string {
	t.Helper()
	var all []string
	err := b.Read(t.Context(), bus.Trail, 1, []string{"trail.delivery.>"}, func(m *event.Message) error {
		d, err := trail.ReadDelivery(m)
		if err == nil {
			all = append(all, fmt.Sprint(d.ID, " ", d.Result))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, ", ")
}

// TestRecordedOnce: of a try of which nothing was heard a beginning is stored, all or
// nothing: in the end each outcome stands in the trail once, and the index knows
// where; what of the try is still on its way does not come any more.
func TestRecordedOnce(t *testing.T) {
	for stored := range 4 {
		t.Run(fmt.Sprint(stored), func(t *testing.T) {
			b, ctx := hubtest.Bus(t), t.Context()
			r := NewRecorder(b, index.New(), func(*decision.Delivery) {}, zap.NewNop())
			if err := r.takeOver(ctx); err != nil {
				t.Fatal(err)
			}
			var msgs []event.Message
			for out := uint64(1); out <= 3; out++ {
				m, err := trail.Delivery(ending(out, decision.Done))
				if err != nil {
					t.Fatal(err)
				}
				msgs = append(msgs, m)
			}
			a := &attempt{msgs: msgs, seqs: make([]uint64, 3), unclear: true, since: r.fence}
			old := r.fence
			if stored > 0 {
				if _, err := b.AppendBehind(ctx, msgs[:stored], fenceSubject, old); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.untilDone(ctx, func() error { return r.store(ctx, a) }); err != nil {
				t.Fatal(err)
			}
			if _, err := b.AppendBehind(ctx, msgs[min(stored, 2):], fenceSubject, old); !errors.Is(err, bus.ErrFenced) {
				t.Errorf("what was on its way came later: %v", err)
			}
			if got := recorded(t, b); got != "e1 done, e2 done, e3 done" {
				t.Errorf("the trail has %s", got)
			}
			for i, seq := range a.seqs {
				if m, err := b.Get(ctx, bus.Trail, seq); err != nil || m == nil || string(m.Data) != string(msgs[i].Data) {
					t.Errorf("outcome %d does not stand at %d: %v", i, seq, err)
				}
			}
		})
	}
}

// TestARecorderFencesOffTheOneBefore: what that has written is known, though the
// index was read before; what comes later does not get into the trail.
func TestARecorderFencesOffTheOneBefore(t *testing.T) {
	b := hubtest.Bus(t)
	run := func() (r *Recorder, x *index.Index, ended chan error) {
		x, ended = index.New(), make(chan error, 1)
		return NewRecorder(b, x, func(*decision.Delivery) {}, zap.NewNop()), x, ended
	}
	before, _, ended := run()
	go func() { ended <- before.Run(t.Context()) }()
	next, x, nextEnded := run()
	if err := before.Record(t.Context(), ending(1, decision.Done)); err != nil {
		t.Fatal(err)
	}
	expiry := event.Message{Subject: decision.CursorSubject("trail", decision.CursorExpiry)}
	last, err := b.Last(t.Context(), bus.Trail, expiry.Subject)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() { nextEnded <- next.Run(ctx) }()
	if err := next.Flush(t.Context()); err != nil || !x.IsDone("beta.one", 1) {
		t.Errorf("what the recorder before wrote is not known (%v)", err)
	}
	if err := before.Record(t.Context(), ending(2, decision.Done)); !errors.Is(err, errBegun) || !errors.Is(<-ended, errBegun) {
		t.Errorf("the recorder before wrote on (%v)", err)
	}
	if _, err := b.Append(t.Context(), []event.Message{expiry}, last.Seq); !errors.Is(err, bus.ErrFenced) {
		t.Errorf("copies could expire for the hub before (%v)", err)
	}
	if err := next.Record(t.Context(), ending(2, decision.Refused)); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-nextEnded; err != nil {
		t.Error(err)
	}
	if got, want := recorded(t, b), "e1 done, e2 refused"; got != want {
		t.Errorf("in the trail stands %q, want %q", got, want)
	}
}

// TestTheFenceMovesUp with the trail, also when the recorder is not told.
func TestTheFenceMovesUp(t *testing.T) {
	b := hubtest.Bus(t)
	x := index.New()
	r := NewRecorder(b, x, func(*decision.Delivery) {}, zap.NewNop())
	go func() { _ = r.Run(t.Context()) }()
	n := uint64(0)
	more := func(count int) {
		t.Helper()
		ds := make([]*decision.Delivery, count)
		for i := range ds {
			n++
			ds[i] = ending(n, decision.Done)
		}
		if err := r.Record(t.Context(), ds...); err != nil {
			t.Fatal(err)
		}
	}
	more(fenceEvery)
	more(1) // behind the moved one
	at, err := b.Last(t.Context(), bus.Trail, fenceSubject)
	if err != nil || at.Seq <= fenceEvery {
		t.Fatalf("the fence is at %d (%v)", at.Seq, err)
	}
	if _, err := b.Publish(t.Context(), r.mark()); err != nil { // as if the answer had been lost
		t.Fatal(err)
	}
	more(1)
	if _, _, gap := x.Gap(); !gap || x.Applied() < n { // of that one only
		t.Errorf("the index has read to %d", x.Applied())
	}
}

// TestAMailboxKnowsWhatWasOnItsWay: a mailbox that ends while an outcome waits to
// be written, and begins anew in the same hub, does not hand the copy out again.
func TestAMailboxKnowsWhatWasOnItsWay(t *testing.T) {
	b := hubtest.Bus(t)
	x, writing, write := index.New(), make(chan struct{}, 10), make(chan struct{})
	rec := NewRecorder(b, x, func(*decision.Delivery) { writing <- struct{}{}; <-write }, zap.NewNop())
	go func() { _ = rec.Run(t.Context()) }()
	r := &receiver{more: make(chan struct{}, 10)}
	begin := func() (stop func()) {
		m := &Mailbox{Application: "beta.one", Sink: r, Bus: b, Index: x, Recorder: rec, Log: zap.NewNop()}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = m.Run(ctx) })
		return func() { cancel(); wg.Wait() }
	}
	stop := begin()
	put(t, b, 0, "k0", `{"n":1}`)
	<-writing // the recorder is busy
	put(t, b, 1, "k1", `{"n":1}`)
	for len(r.deliveries()) < 2 {
		<-r.more
	}
	for len(rec.in) == 0 { // its outcome waits
		time.Sleep(time.Millisecond)
	}
	stop()
	stop = begin()
	time.Sleep(300 * time.Millisecond) // what it would do at once
	close(write)
	put(t, b, 2, "k2", `{"n":1}`)
	waitFor(t, "the last copy", func() bool { return x.IsDone("beta.one", 3) })
	stop()
	var ids []string
	for _, d := range r.deliveries() {
		ids = append(ids, d.Event.ID())
	}
	if want := []string{"e0", "e1", "e2"}; !slices.Equal(ids, want) {
		t.Errorf("handed out were %v, want %v", ids, want)
	}
}
