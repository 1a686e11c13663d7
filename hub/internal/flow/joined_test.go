package flow

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// many events lie in the in stream behind what is there; it gives them.
func many(t *testing.T, b *bus.Bus, name string, n int) []*event.Message {
	t.Helper()
	before, err := b.LastSeq(t.Context(), inAlpha)
	if err != nil {
		t.Fatal(err)
	}
	var publishers errgroup.Group
	publishers.SetLimit(16)
	for i := range n {
		publishers.Go(func() error {
			_, err := b.Publish(t.Context(), hubtest.Event(fmt.Sprint(name, i), hubtest.Ding, fmt.Sprint("k", i%50), fmt.Sprintf(`{"n":%d,"text":"x"}`, i)))
			return err
		})
	}
	if err := publishers.Wait(); err != nil {
		t.Fatal(err)
	}
	var out []*event.Message
	for len(out) < n {
		page, err := b.Page(t.Context(), inAlpha, ">", before+uint64(len(out)), 500)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, page...)
	}
	return out
}

// TestOneChain: more copies than an atomic batch holds go as one chain; when there is little
// room on the disk by then, part by part as batches.
func TestOneChain(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	l := newLane(t, b, fed)
	l.few = inFlight
	grounded(t, b, l)
	const n = 510 // two copies each
	writes, tight := 0, false
	l.crash = func(point string) {
		if point == "before "+bus.Out {
			writes++
			b.Tight(tight)
		}
	}
	for i, c := range []struct {
		tight  bool
		writes int
	}{{false, 1}, {true, 3}, {false, 1}} { // the third finds room again
		writes, tight = 0, c.tight
		if err := l.carry(t.Context(), many(t, b, fmt.Sprint(i, "-"), n)); err != nil {
			t.Fatal(err)
		}
		if err := l.land(); err != nil {
			t.Fatal(err)
		}
		if writes != c.writes {
			t.Errorf("tight %v: %d writes to OUT, want %d", c.tight, writes, c.writes)
		}
		b.Tight(false)
	}
	look(t, b).exact(t, 3*n)
}

// TestFlightsMoveOn: a cursor of a stream that gets nothing lags so far that flights write it,
// and none of them has to wait for that.
func TestFlightsMoveOn(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	l := newLane(t, b, fed)
	l.few = inFlight
	grounded(t, b, l)
	const n = 450 // two copies each fit into an atomic batch: a chain takes seconds on a slow disk
	last := uint64(0)
	for batch := 0; last < soon+2*n; batch++ {
		if err := l.carry(t.Context(), many(t, b, fmt.Sprint(batch, "-"), n)); err != nil {
			t.Fatal(err)
		}
		if last += n; l.flight == nil {
			t.Fatalf("batch %d does not fly", batch)
		}
	}
	if err := l.land(); err != nil {
		t.Fatal(err)
	}
	at, _, err := l.parked.cursor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if at.Seq <= soon || at.Seq%n != 0 || at.Seq >= last {
		t.Errorf("the cursor of PARKED stands at %d of %d, want it behind %d, at the end of a batch", at.Seq, last, soon)
	}
	until(t, b, newLane(t, b, fed)) // another one takes over from there
	look(t, b).exact(t, last)
}
