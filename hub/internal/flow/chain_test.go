package flow

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// beginnings are events whose decisions bring two copies, one, none, and a refusal.
func beginnings() []event.Message {
	return []event.Message{
		hubtest.Event("1", hubtest.Ding, "a", `{"n":1,"text":"x"}`), hubtest.Event("2", hubtest.Ding, "a", `{"n":true}`),
		hubtest.Event("3", hubtest.Ding, "b", `{"n":3,"text":"x"}`), hubtest.Event("4", hubtest.Niemand, "a", `{"n":4}`),
		hubtest.Event("5", hubtest.Ding, "a", `{"n":5,"text":"x"}`),
	}
}

// TestBeginningOfCopies: the owner dies when a chain of copies, or of refused
// events, has come so far and no further; no cursor tells. The next one goes on there,
// also if it dies too.
func TestBeginningOfCopies(t *testing.T) {
	for k := 0; ; k++ {
		b, fed := hubtest.Bus(t), hubtest.Federation(t)
		before := publishedBefore(t, b, newLane(t, b, fed))
		crashBeforeOut(t, b, fed, beginnings()...)
		l := newLane(t, b, fed)
		l.aim()
		for _, target := range append(l.targets(), l.trail) {
			if err := target.load(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		l.version = l.Current()
		ds, err := l.recorded(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		ds = ds[len(ds)-5:]
		msgs, err := l.decided(t.Context(), ds)
		if err != nil {
			t.Fatal(err)
		}
		w, err := l.loads(ds, msgs, nil)
		if err != nil {
			t.Fatal(err)
		}
		all := map[*target][]event.Message{}
		for _, ld := range w.copies {
			all[l.out] = append(all[l.out], ld.msgs...)
		}
		for _, ld := range w.refused {
			all[l.quarantine] = append(all[l.quarantine], ld.msgs...)
		}
		for target, all := range all {
			if some := all[:min(k, len(all))]; len(some) > 0 {
				if _, err := b.Chain(t.Context(), some, bus.Guard{Subject: target.subject, Last: target.last}); err != nil {
					t.Fatal(err)
				}
			}
		}
		dies(t, newLane(t, b, fed), k%4)
		until(t, b, newLane(t, b, fed))
		look(t, b).exact(t, before+5)
		if k > len(all[l.out]) {
			return
		}
	}
}

// TestBeginningOfDecisions: of a batch of decisions a beginning is in the trail, each
// by itself or some in one message. It is carried out as decided; the others are
// decided by the federation that is in force then.
func TestBeginningOfDecisions(t *testing.T) {
	for k := range 6 {
		beginningOfDecisions(t, k, beginnings(), trail.Singles)
	}
	var many []event.Message
	for i := range 2 {
		for _, m := range beginnings() {
			m.Header["ce-id"] = []string{fmt.Sprintf("%s-%d", m.Header["ce-id"][0], i)}
			many = append(many, m)
		}
	}
	for k := range 2 {
		beginningOfDecisions(t, k, many, trail.Groups)
	}
}

// beginningOfDecisions lets the first k messages be there.
func beginningOfDecisions(t *testing.T, k int, events []event.Message, encode func([]*decision.Decision) ([]trail.Group, error)) {
	t.Helper()
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	before := publishedBefore(t, b, newLane(t, b, fed))
	publish(t, b, events...)
	l := newLane(t, b, fed)
	l.aim()
	if err := l.trail.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored, err := b.Page(t.Context(), l.In, ">", before, 100)
	if err != nil {
		t.Fatal(err)
	}
	l.version = l.Current()
	groups, err := encode(l.decide(stored))
	if err != nil {
		t.Fatal(err)
	}
	recorded := 0
	for _, g := range groups[:k] {
		recorded += len(g.Decisions)
	}
	if k > 0 {
		if _, err := b.Chain(t.Context(), messages(groups[:k]), bus.Guard{Subject: l.trail.subject, Last: l.trail.last}); err != nil {
			t.Fatal(err)
		}
	}
	dies(t, newLane(t, b, hubtest.WithoutAgreements(t)), k%3)
	until(t, b, newLane(t, b, hubtest.WithoutAgreements(t)))
	w := look(t, b)
	w.exact(t, before+uint64(len(events)))
	for i := range events {
		d := w.decisions[before+1+uint64(i)]
		if went := len(d.Receivers) > 0; went && i >= recorded {
			t.Errorf("%d were recorded, and %d went by %q", recorded, i+1, d.Federation)
		}
		if was := d.Federation == fed.Digest; was != (i < recorded) {
			t.Errorf("%d were recorded, and %d is decided by %q", recorded, i+1, d.Federation)
		}
	}
}

// publishedBefore has a lane do some work first, so that cursors are there.
func publishedBefore(t *testing.T, b *bus.Bus, l *Lane) uint64 {
	t.Helper()
	publish(t, b, hubtest.Event("0", hubtest.Ding, "a", `{"n":0,"text":"x"}`))
	until(t, b, l)
	return 1
}

// dies runs a lane that ends before its n-th write; 0: it is not run.
func dies(t *testing.T, l *Lane, n int) {
	t.Helper()
	if n == 0 {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var writes atomic.Int32 // some go on beside the lane
	l.crash = func(string) {
		if writes.Add(1) >= int32(n) {
			cancel()
		}
	}
	if err := l.Run(ctx); err != nil {
		t.Fatal(fmt.Errorf("lane: %w", err))
	}
}
