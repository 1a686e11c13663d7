package flow

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

const edgeAlpha = "EDGE_alpha"

// both gives the two lanes of an organisation as a fresh process would.
func both(t *testing.T, b *bus.Bus, fed *federation.Federation) (in, edge *Lane) {
	t.Helper()
	in = newLane(t, b, fed)
	copied := *in
	edge = &copied
	edge.In = edgeAlpha
	return in, edge
}

// serve runs an organisation's lanes and its parking until stop.
func serve(t *testing.T, in, edge *Lane) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = in.Run(ctx) })
	wg.Go(func() { _ = edge.Run(ctx) })
	wg.Go(func() { _ = in.Parking.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(hubtest.Patience)
	for !ok() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("waited for %s", what)
		}
	}
}

// crashBeforeOut publishes, and has an owner decide about all in one batch and
// die before it carries anything out.
func crashBeforeOut(t *testing.T, b *bus.Bus, fed *federation.Federation, msgs ...event.Message) {
	t.Helper()
	publish(t, b, msgs...)
	l := newLane(t, b, fed)
	l.recordsFirst()
	var err error
	if l.work, err = b.Work(t.Context(), l.In, nil); err != nil {
		t.Fatal(err)
	}
	defer l.work.Stop()
	l.aim()
	if err := l.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored, err := b.Page(t.Context(), l.In, ">", l.trail.at.Seq, 100)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.record(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
}

// TestSchemaGone: decided events whose schema leaves the directory before they
// are carried out cost only their keys. With the schema back and the keys
// released, all come once, in order, before newer ones.
func TestSchemaGone(t *testing.T) {
	full, without := hubtest.Changed(t, hubtest.AddSache), hubtest.Changed(t, hubtest.AddSache, hubtest.RemoveDing)
	b := hubtest.Bus(t)
	crashBeforeOut(t, b, full,
		event1(1, hubtest.Ding, "k1"), event1(2, hubtest.Sache, "k2"), event1(3, hubtest.Sache, "k1"),
		event1(4, hubtest.Sache, "k3"), event1(5, hubtest.Ding, "k3"))
	in, edge := both(t, b, without)
	stop := serve(t, in, edge)
	publish(t, b, event1(6, hubtest.Sache, "k1"), event1(7, hubtest.Sache, "k2"), event1(8, hubtest.Ding, "k1"), event1(1, hubtest.Ding, "k1"))
	await(t, "the second owner to decide all, and to park what waits", func() bool {
		h := survey(t, b)
		return h.outcome(9) != "" && h.parked[decision.Ref{In: inAlpha, Seq: 8}] > 0
	})
	stop()
	h := survey(t, b)
	for seq, want := range []string{
		1: "parked SCHEMA_GONE", 2: "routed", 3: "parked BEHIND", 4: "routed", 5: "parked SCHEMA_GONE",
		6: "parked BEHIND", 7: "routed", 8: "parked BEHIND", 9: "suppressed",
	} {
		if got := h.outcome(uint64(seq)); got != want {
			t.Errorf("%d is %q, want %q", seq, got, want)
		}
	}
	if got := fmt.Sprint(h.out["beta.one k2"], h.out["beta.one k3"], h.out["beta.one k1"]); got != "[2 7] [4] []" {
		t.Errorf("of k2, k3 and k1 came %s", got)
	}
	h.exact(t, 9)

	in, edge = both(t, b, full)
	stop = serve(t, in, edge)
	defer stop()
	release(t, in.Parking, "k1")
	release(t, in.Parking, "k3")
	publish(t, b, event1(10, hubtest.Sache, "k1"), event1(11, hubtest.Ding, "k3"))
	await(t, "the newest of each key", func() bool {
		h := survey(t, b)
		return slices.Contains(h.out["beta.one k1"], 10) && slices.Contains(h.out["beta.one k3"], 11) && len(h.parked) == 0
	})
	h = survey(t, b)
	h.exact(t, 11)
	if got := fmt.Sprint(h.out["beta.one k1"], h.out["beta.two k1"], h.out["beta.one k3"]); got != "[1 3 6 8 10] [1 8] [4 5 11]" {
		t.Errorf("came %s", got)
	}
	d := h.released[decision.Ref{In: inAlpha, Seq: 1}][0]
	if d.Application != "alpha.app" || d.In != edgeAlpha || d.Of == nil || d.Of.Seq != 1 || d.Stored.IsZero() {
		t.Errorf("the released event was decided as %+v", d)
	}
}

func release(t *testing.T, p *Parking, key string) {
	t.Helper()
	await(t, "the release of "+key, func() bool { return p.Release(t.Context(), event.KeyToken(key)) == nil })
}

// TestStillNotCarriedOut: a released event that cannot be carried out keeps its
// place before those behind it.
func TestStillNotCarriedOut(t *testing.T) {
	full, without := hubtest.Changed(t, hubtest.AddSache), hubtest.Changed(t, hubtest.AddSache, hubtest.RemoveDing)
	b := hubtest.Bus(t)
	crashBeforeOut(t, b, full, event1(1, hubtest.Ding, "k"), event1(2, hubtest.Ding, "k"), event1(3, hubtest.Sache, "k"))
	// decided by a directory that has the type, carried out by one that lacks it
	in, edge := both(t, b, full)
	version := &Version{full, send.New(without.Schemas)}
	in.Current = func() *Version { return version }
	edge.Current = in.Current
	stop := serve(t, in, edge)
	release(t, in.Parking, "k")
	await(t, "the release to stop", func() bool { return !underway(in.Parking, "k") })
	publish(t, b, event1(4, hubtest.Sache, "k"))
	await(t, "the newer one to wait", func() bool { h := survey(t, b); return h.outcome(4) == "parked BEHIND" && len(h.parked) == 4 })
	stop()
	h := survey(t, b)
	h.exact(t, 4)
	if len(h.copies) > 0 || len(h.parked) != 4 {
		t.Errorf("%d copies, parked: %v; want none and all four", len(h.copies), h.parked)
	}

	in, edge = both(t, b, full)
	stop = serve(t, in, edge)
	defer stop()
	release(t, in.Parking, "k")
	await(t, "all", func() bool { h := survey(t, b); return len(h.out["beta.one k"]) == 4 && len(h.parked) == 0 })
	h = survey(t, b)
	h.exact(t, 4)
	if got := fmt.Sprint(h.out["beta.one k"], h.out["beta.two k"]); got != "[1 2 3 4] [1 2]" {
		t.Errorf("came %s", got)
	}
}

func underway(p *Parking, key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.keys[event.KeyToken(key)]
	return k != nil && k.underway != ""
}

// TestReturnToTheSender: the parked events rest in quarantine whole, each once;
// a corrected resend goes its way.
func TestReturnToTheSender(t *testing.T) {
	full, without := hubtest.Changed(t, hubtest.AddSache), hubtest.Changed(t, hubtest.AddSache, hubtest.RemoveDing)
	b := hubtest.Bus(t)
	crashBeforeOut(t, b, full, event1(1, hubtest.Ding, "k"), event1(2, hubtest.Sache, "k"))
	in, edge := both(t, b, without)
	stop := serve(t, in, edge)
	defer stop()
	await(t, "the events to be parked", func() bool { return len(survey(t, b).parked) == 2 })
	var n int
	await(t, "the return", func() (ok bool) {
		var err error
		n, err = in.Parking.Return(t.Context(), event.KeyToken("k"))
		return err == nil
	})
	publish(t, b, event1(2, hubtest.Sache, "k"), event1(3, hubtest.Sache, "k"))
	await(t, "what comes later", func() bool { return survey(t, b).outcome(4) != "" && len(survey(t, b).out["beta.one k"]) == 2 })
	h := survey(t, b)
	h.exact(t, 2)
	first := decision.Ref{In: inAlpha, Seq: 1}
	if n != 2 || h.outcome(1) != "quarantined RETURNED" || h.outcome(2) != "quarantined RETURNED" || h.body[first] != `{"n":1}` || len(h.parked) > 0 {
		t.Errorf("returned %d: %s, %s, body %s, parked %v", n, h.outcome(1), h.outcome(2), h.body[first], h.parked)
	}
	if d := h.last[first]; d.ID != "e1" || d.Application != "alpha.app" || d.Code != refusal.Returned || d.Digest == "" {
		t.Errorf("the decision is %+v", d)
	}
	if h.outcome(3) != "routed" || h.outcome(4) != "routed" {
		t.Errorf("later ones are %s and %s", h.outcome(3), h.outcome(4))
	}
	if _, err := in.Parking.Return(t.Context(), event.KeyToken("k")); err == nil {
		t.Error("a free key was returned")
	}
}
