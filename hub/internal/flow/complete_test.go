package flow

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// TestComplete: what stands in OUT alone comes into the trail, once; otherwise nothing is touched.
func TestComplete(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publishedBefore(t, b, newLane(t, b, fed))
	complete := func(want bool) {
		t.Helper()
		before, err := b.LastSeq(t.Context(), bus.Trail)
		if err != nil {
			t.Fatal(err)
		}
		if err := Complete(t.Context(), b, inAlpha, zap.NewNop()); err != nil {
			t.Error(err)
		}
		if after, _ := b.LastSeq(t.Context(), bus.Trail); after > before != want {
			t.Errorf("the trail ended at %d and ends at %d", before, after)
		}
	}
	complete(false)
	l, p, msgs := paired(t, b, newLane(t, b, fed), beginnings()...)
	leftover(t, b, l, p, 2)
	complete(true)
	complete(false)
	if w := look(t, b); len(w.decisions) != 1+len(msgs) {
		t.Errorf("%d decisions in the trail", len(w.decisions))
	}
	until(t, b, newLane(t, b, hubtest.WithoutAgreements(t)))
	look(t, b).exact(t, 1+uint64(len(msgs)))
	if at, _, err := l.out.cursor(t.Context()); err != nil || at.Decided != nil {
		t.Errorf("behind the take-over the cursor of OUT still says %+v, %v", at.Decided, err)
	}
	l, _, msgs = paired(t, b, newLane(t, b, fed), hubtest.Event("later", hubtest.Ding, "k", `{"n":1}`))
	if err := l.carries(t.Context(), msgs); err != nil {
		t.Fatal(err)
	}
	complete(false) // both halves are there
}

// fill leaves no room in the stream of a subject.
func fill(t *testing.T, b *bus.Bus, subject string) {
	t.Helper()
	for size := 1 << 20; size > 0; size /= 2 {
		var err error
		for err == nil {
			_, err = b.Publish(t.Context(), event.Message{Subject: subject, Data: make([]byte, size)})
		}
		if !errors.Is(err, bus.ErrStreamFull) {
			t.Fatal(err)
		}
	}
}

// TestRecordAlone: of a pair one decision came to the trail, and it was not known which. What is
// missing is recorded if copies may stand in OUT, and decided anew if none can.
func TestRecordAlone(t *testing.T) {
	for _, copies := range []bool{false, true} {
		b, fed := hubtest.Bus(t), hubtest.Federation(t)
		before := publishedBefore(t, b, newLane(t, b, fed))
		l, p, msgs := paired(t, b, newLane(t, b, fed), beginnings()[:2]...)
		if _, err := b.Chain(t.Context(), p.trail.msgs[:1], bus.Guard{Subject: l.trail.subject, Last: l.trail.last}); err != nil {
			t.Fatal(err)
		}
		if err := l.recordAlone(t.Context(), p, copies); err != nil {
			t.Fatal(err)
		}
		l.work.Stop()
		recorded := 1
		if copies {
			recorded = len(msgs)
		}
		if w := look(t, b); len(w.decisions) != int(before)+recorded {
			t.Errorf("copies may be in OUT: %t; %d decisions, want %d", copies, len(w.decisions), int(before)+recorded)
		}
		for i, m := range msgs {
			if _, known := l.Index.Lookup(identityOf(p.groups[i].Decisions[0], m)); known != (i < recorded) {
				t.Errorf("copies may be in OUT: %t; the decision on %d is known: %t", copies, m.Seq, known)
			}
		}
		later := hubtest.WithoutAgreements(t)
		until(t, b, newLane(t, b, later))
		w := look(t, b)
		w.exact(t, before+uint64(len(msgs)))
		for i, m := range msgs {
			if d := w.decisions[m.Seq]; (d.Federation == fed.Digest) != (i < recorded) {
				t.Errorf("copies may be in OUT: %t; %d is decided by %q", copies, m.Seq, d.Federation)
			}
		}
	}
}

// TestCompleteWithoutRoom: a trail that is full keeps nobody longer than he can wait, and nothing
// is lost meanwhile.
func TestCompleteWithoutRoom(t *testing.T) {
	layout := hubtest.Layout
	layout.Trail = 4 << 20
	b, fed := hubtest.BusOf(t, layout), hubtest.Federation(t)
	publishedBefore(t, b, newLane(t, b, fed))
	l, p, msgs := paired(t, b, newLane(t, b, fed), beginnings()...)
	leftover(t, b, l, p, 2)
	fill(t, b, "trail.other.filler")
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := Complete(short, b, inAlpha, zap.NewNop()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the trail is full: %v", err)
	}
	if at, _, err := l.out.cursor(t.Context()); err != nil || len(at.Decided.Records) == 0 || at.Promised() != msgs[len(msgs)-1].Seq {
		t.Errorf("OUT says %+v, %v", at, err)
	}
}

// TestBookBehindMany: what the ledger was not told of is more than one page.
func TestBookBehindMany(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	books, err := ledger.Open(t.TempDir(), make([]byte, 32), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	first := newLane(t, b, fed)
	first.Ledger = books
	publishedBefore(t, b, first)
	const many = bus.MaxBatch + 10
	for i := range many {
		publish(t, b, hubtest.Event(fmt.Sprint("e", i), hubtest.Niemand, "k", `{"n":1}`))
	}
	until(t, b, newLane(t, b, fed)) // it tells nobody
	next := newLane(t, b, fed)
	next.Ledger = books
	grounded(t, b, next)
	if told, ok := books.Told(inAlpha); !ok || told != 1+many {
		t.Errorf("the ledger was told up to %d, want %d", told, 1+many)
	}
}

// TestBookBehindALeftover: the ledger of the in stream misses nothing of what a crash has left.
func TestBookBehindALeftover(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	books, err := ledger.Open(t.TempDir(), make([]byte, 32), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	first := newLane(t, b, fed)
	first.Ledger = books
	publishedBefore(t, b, first)
	l, p, msgs := paired(t, b, newLane(t, b, fed), beginnings()...)
	leftover(t, b, l, p, 3)
	next := newLane(t, b, fed)
	next.Ledger = books
	publish(t, b, hubtest.Event("next", hubtest.Ding, "k", `{"n":1,"text":"x"}`))
	until(t, b, next)
	if told, _ := books.Told(inAlpha); told != msgs[0].Seq+uint64(len(msgs)) {
		want := msgs[0].Seq + uint64(len(msgs))
		t.Errorf("the ledger was told up to %d, want %d", told, want)
	}
}
