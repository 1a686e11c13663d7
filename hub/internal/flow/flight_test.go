package flow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// TestEndedInFlight: lanes are ended in peace again and again while much comes; nothing is
// lost, nothing comes twice.
func TestEndedInFlight(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	const publishers, each = 8, 1000
	var wg sync.WaitGroup
	for g := range publishers {
		wg.Go(func() {
			for i := range each {
				data := fmt.Sprintf(`{"n":%d,"text":"x"}`, i)
				if i%10 == 0 {
					data = `{"n":true}`
				}
				if _, err := b.Publish(context.WithoutCancel(t.Context()), hubtest.Event(fmt.Sprintf("e%d-%d", g, i), hubtest.Ding, fmt.Sprintf("k%d", i%50), data)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	publishing := make(chan struct{})
	go func() { wg.Wait(); close(publishing) }()
	ended, most := 0, raced.Rounds(t, 800)
	for going := true; going; ended++ {
		l := newLane(t, b, fed)
		enough, left := make(chan struct{}), 1+r.IntN(most)
		l.Decided = func(*decision.Decision) {
			if left--; left == 0 {
				close(enough)
			}
		}
		_, stop := run(t, l)
		select {
		case <-enough:
		case <-publishing:
			going = false
		}
		stop()
	}
	t.Logf("ended %d times", ended)
	until(t, b, newLane(t, b, fed))
	look(t, b).exact(t, publishers*each)
}

// grounded is a lane that has taken over, and whose batches are carried by hand.
func grounded(t *testing.T, b *bus.Bus, l *Lane) *Lane {
	t.Helper()
	var err error
	if l.work, err = b.Work(t.Context(), l.In, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.work.Stop)
	l.aim()
	if err := l.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestFlightFails: a flight that ended with its lane has failed, whoever asks: no cursor
// says that what it was to store is there.
func TestFlightFails(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	before := publishedBefore(t, b, newLane(t, b, fed))
	l := grounded(t, b, newLane(t, b, fed))
	came := func() []*event.Message {
		t.Helper()
		m, err := l.work.Next(t.Context(), maxEvents, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	l.few = inTurn
	publish(t, b, hubtest.Event("1", hubtest.Ding, "k", `{"n":true}`))
	if err := l.carry(t.Context(), came()); err != nil {
		t.Fatal(err)
	}
	publish(t, b, hubtest.Event("2", hubtest.Ding, "k", `{"n":true}`))
	ended, end := context.WithCancel(t.Context())
	l.version = l.Current()
	msgs := came()
	ends, err := l.ends(ended)
	if err != nil {
		t.Fatal(err)
	}
	ds, did, err := l.record(ended, msgs)
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.prepare(ended, ds, msgs, did.copies)
	if err != nil {
		t.Fatal(err)
	}
	end()
	l.takeOff(ended, func(ctx context.Context) error { return l.store(ctx, w) }, len(msgs), l.trail.at.Seq, ends)
	<-l.flight.done
	for range 20 { // a select takes either
		if _, err := l.next(ended); err == nil {
			t.Fatal("it goes on")
		}
	}
	l.leave(ended)
	l.ground()
	l.halt(ended)
	until(t, b, newLane(t, b, fed))
	look(t, b).exact(t, before+2)
}

// TestFlightOfTheRest: of a batch that is stored in portions the last one flies, and the lane
// dies when it has recorded the next batch. What the first portion has stored is found.
func TestFlightOfTheRest(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	before := publishedBefore(t, b, newLane(t, b, fed))
	events := []event.Message{hubtest.Event("bad", hubtest.Ding, "a", `{"n":true}`)}
	for i := range 13 {
		events = append(events, hubtest.Event(fmt.Sprint("e", i), hubtest.Ding, "b", fmt.Sprintf(`{"n":%d,"text":"x"%s}`, i, strings.Repeat(" ", 700_000))))
	}
	publish(t, b, append(events, hubtest.Event("last", hubtest.Ding, "b", `{"n":1,"text":"x"}`))...)
	last := before + uint64(len(events)) + 1
	l := grounded(t, b, newLane(t, b, fed))
	l.few = inFlight
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var dies atomic.Bool
	l.crash = func(point string) {
		if dies.Load() && point == "after "+bus.Trail {
			cancel()
		}
	}
	var msgs []*event.Message
	for len(msgs) < int(last-before) {
		more, err := b.Page(t.Context(), l.In, ">", before+uint64(len(msgs)), 100)
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, more...)
	}
	if err := l.carry(ctx, msgs[:len(msgs)-1]); err != nil {
		t.Fatal(err)
	}
	if l.flight == nil {
		t.Fatal("nothing flies")
	}
	b.Tight(true) // the next record goes with its cursor
	dies.Store(true)
	if err := l.carry(ctx, msgs[len(msgs)-1:]); err == nil {
		t.Fatal("it did not die")
	}
	l.ground()
	b.Tight(false)
	until(t, b, newLane(t, b, fed))
	look(t, b).exact(t, last)
}

// TestFlightWaitsForRoom: a lane that another owner has fenced takes over again at once, also
// while its flight waits for room in quarantine.
func TestFlightWaitsForRoom(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	core, logged := observer.New(zap.InfoLevel)
	l := newLane(t, b, fed)
	l.few, l.Log = inFlight, zap.New(core)
	l.Refused = &quota.Share{Organisation: "alpha", Bus: b, Stream: bus.Quarantine, Filter: "quarantine.alpha.>", Total: 6 << 10, Log: zap.New(core)}
	_, stop := run(t, l)
	defer stop()
	bad := `{"n":"` + strings.Repeat("x", 2000) + `"}`
	held := func() bool { return logged.FilterMessageSnippet("share of a stream is full").Len() > 0 }
	for n := 0; !held(); n++ { // one at a time: what is decided while another one waits is carried out after it
		publish(t, b, hubtest.Event(fmt.Sprint(n), hubtest.Ding, fmt.Sprint("k", n), bad))
		await(t, "an event to rest in quarantine, or to wait", func() bool {
			rests, err := b.Page(t.Context(), bus.Quarantine, "quarantine.alpha.>", 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			return len(rests) > n || held()
		})
	}
	subject := decision.CursorSubject("trail", inAlpha)
	await(t, "the cursor to be moved by another one", func() bool {
		last, err := b.Last(t.Context(), bus.Trail, subject)
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Append(t.Context(), []event.Message{{Subject: subject, Data: last.Data}}, last.Seq)
		return err == nil
	})
	publish(t, b, hubtest.Event("good", hubtest.Ding, "d", `{"n":1,"text":"x"}`))
	await(t, "the lane to take over again", func() bool { return logged.FilterMessageSnippet("another owner").Len() > 0 })
}

// TestWhatFlies: where the server syncs, very few events do, as pairs, and many; and nothing that
// is stored as a pair is stored again in a flight.
func TestWhatFlies(t *testing.T) {
	for _, c := range []struct {
		n            int
		few          manner
		flies, pairs bool
	}{
		{1, fitting, true, true},
		{2, fitting, true, false}, // too many copies
		{fewEvents, fitting, true, false},
		{fewEvents + 1, fitting, false, false},
		{manyEvents, fitting, true, false},
		{1, inTurn, false, false},
		{manyEvents, inTurn, true, false},
		{2, inPair, false, true},
		{2, inFlight, true, false},
	} {
		b, fed := hubtest.Bus(t), hubtest.Federation(t)
		l := grounded(t, b, newLane(t, b, fed))
		l.few = c.few
		for i := range c.n {
			publish(t, b, hubtest.Event(fmt.Sprint(i), hubtest.Ding, "k", `{"n":1,"text":"x"}`))
		}
		pairs := false
		l.crash = func(point string) {
			switch {
			case point == "before both":
				pairs = true
			case point == "after both" && c.few == inPair: // what is sooner may be another by now
				l.few = inFlight
			}
		}
		msgs, err := b.Page(t.Context(), l.In, ">", 0, c.n)
		if err != nil {
			t.Fatal(err)
		}
		before, err := l.ends(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.carry(t.Context(), msgs); err != nil {
			t.Fatal(err)
		}
		if l.flight != nil && !maps.Equal(l.flight.ends, before) {
			t.Errorf("%d events, manner %d: it says that all ended at %v, and that was %v", c.n, c.few, l.flight.ends, before)
		}
		if flies := l.flight != nil; flies != c.flies || pairs != c.pairs {
			t.Errorf("%d events, manner %d: they fly: %t, as a pair: %t", c.n, c.few, flies, pairs)
		}
		if err := l.land(); err != nil {
			t.Error(err)
		}
		look(t, b).exact(t, uint64(c.n))
	}
}

// TestFewFly: where the server syncs, the next event is recorded while the copies of one are
// stored.
func TestFewFly(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	l := newLane(t, b, fed)
	l.few = fitting
	storing, stored := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	l.crash = func(point string) {
		if point == "between both" && first.CompareAndSwap(false, true) {
			close(storing)
			<-stored
		}
	}
	decided := make(chan uint64, 2)
	l.Decided = func(d *decision.Decision) { decided <- d.Seq }
	ctx, stop := run(t, l)
	defer stop()
	defer sync.OnceFunc(func() { close(stored) })()
	publish(t, b, hubtest.Event("1", hubtest.Ding, "k", `{"n":1,"text":"x"}`))
	select {
	case <-storing:
	case <-time.After(hubtest.Patience):
		t.Fatal("it does not fly")
	}
	publish(t, b, hubtest.Event("2", hubtest.Ding, "k", `{"n":2,"text":"x"}`))
	for want := range uint64(2) {
		select {
		case got := <-decided:
			if got != want+1 {
				t.Errorf("%d was decided, want %d", got, want+1)
			}
		case <-time.After(hubtest.Patience):
			t.Fatalf("%d was not decided", want+1)
		case <-ctx.Done():
			t.Fatal("the lane has ended")
		}
	}
}

// TestFlyingPairWaitsForRoom: where OUT is full the copies of a pair wait for room like all others,
// in their flight, and their lane stays the owner.
func TestFlyingPairWaitsForRoom(t *testing.T) {
	layout := hubtest.Layout
	layout.Out = 4 << 20
	b, fed := hubtest.BusOf(t, layout), hubtest.Federation(t)
	before := publishedBefore(t, b, newLane(t, b, fed))
	core, logged := observer.New(zap.InfoLevel)
	l := grounded(t, b, newLane(t, b, fed))
	l.few, l.Log = pairInFlight, zap.New(core)
	fill(t, b, "out.filler")
	publish(t, b, hubtest.Event("1", hubtest.Ding, "k", `{"n":1,"text":"x"}`))
	msgs, err := b.Page(t.Context(), l.In, ">", before, 1)
	if err != nil {
		t.Fatal(err)
	}
	pairs := false
	l.crash = func(point string) {
		if point == "before both" {
			pairs = true
		}
	}
	if err := l.carry(t.Context(), msgs); err != nil || !pairs || l.flight == nil {
		t.Fatalf("%v; there was a pair: %t, a flight: %t", err, pairs, l.flight != nil)
	}
	await(t, "the copies to wait for room", func() bool { return logged.FilterMessageSnippet("trying again").Len() > 0 })
	if w := look(t, b); len(w.decisions) != 2 {
		t.Errorf("%d decisions", len(w.decisions))
	}
	if err := b.Purge(t.Context(), bus.Out, "out.filler", math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	if err := l.land(); err != nil {
		t.Error(err)
	}
	look(t, b).exact(t, before+1)
}

// TestFlyingPairHalfInRoom: in OUT there is room for the cursor of a pair, and not for its only
// copy. The in stream is taken over again, and the copy is stored once.
func TestFlyingPairHalfInRoom(t *testing.T) {
	layout := hubtest.Layout
	layout.Out = 4 << 20
	b, fed := hubtest.BusOf(t, layout), hubtest.Changed(t, hubtest.AddSache)
	before := publishedBefore(t, b, newLane(t, b, fed))
	l := newLane(t, b, fed)
	grounded(t, b, l)
	l.few = pairInFlight
	publish(t, b, hubtest.Event("1", hubtest.Sache, "k", `{"n":1,`+strings.Repeat(" ", 100<<10)+`"text":"x"}`))
	msgs, err := b.Page(t.Context(), l.In, ">", before, 1)
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	for err == nil {
		var seq uint64
		if seq, err = b.Publish(t.Context(), event.Message{Subject: "out.filler", Data: make([]byte, 30<<10)}); err == nil {
			last = seq
		}
	}
	if !errors.Is(err, bus.ErrStreamFull) {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), bus.Out, last); err != nil {
		t.Fatal(err)
	}
	if err := l.carry(t.Context(), msgs); err != nil || l.flight == nil {
		t.Fatalf("%v; there was a flight: %t", err, l.flight != nil)
	}
	if err := l.land(); !errors.Is(err, bus.ErrUnclear) || !l.out.taking {
		t.Fatalf("%v; what is in OUT is known: %t", err, !l.out.taking)
	}
	if at, _, err := l.out.cursor(t.Context()); err != nil || at.Promised() != msgs[0].Seq {
		t.Fatalf("OUT says %+v, %v", at, err)
	}
	l.ground()
	l.work.Stop()
	if err := b.Purge(t.Context(), bus.Out, "out.filler", math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	until(t, b, newLane(t, b, fed))
	look(t, b).exact(t, before+1)
}
