package flow

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestHalfAPair: the trail refuses its half of a pair, or OUT does. Before anybody else decides
// the decisions are in the trail and known, and no cursor says more than is there.
func TestHalfAPair(t *testing.T) {
	for name, refuses := range map[string]string{"TRAIL": bus.Trail, "OUT": bus.Out, "TRAIL in flight": bus.Trail, "OUT in flight": bus.Out} {
		t.Run(name, func(t *testing.T) {
			b, fed := hubtest.Bus(t), hubtest.Federation(t)
			before := publishedBefore(t, b, newLane(t, b, fed))
			l, _, msgs := paired(t, b, newLane(t, b, fed), beginningsOf(name)...)
			l.flying(name)
			of := map[string]*target{bus.Trail: l.trail, bus.Out: l.out}[refuses]
			if err := l.persist(t.Context(), newTargetAt(t, b, of), newBatch(of.at, nil)); err != nil { // another owner
				t.Fatal(err)
			}
			ended, end := context.WithCancel(t.Context())
			pairs := false
			l.crash = func(point string) {
				if point == "before both" {
					pairs = true
				}
			}
			if err := l.carries(ended, msgs); !errors.Is(err, bus.ErrFenced) || !pairs {
				t.Fatalf("it was %v, want ErrFenced; there was a pair: %t", err, pairs)
			}
			l.crash = nil
			end()
			l.leave(ended)
			l.halt(ended)
			l.work.Stop()
			w := look(t, b)
			if stored := len(w.copies) > 2; stored != (refuses == bus.Trail) { // two of the event before
				t.Errorf("%s refuses: %d copies", refuses, len(w.copies))
			}
			for _, m := range msgs {
				d := w.decisions[m.Seq]
				if d == nil {
					t.Fatalf("%s refuses: the decision on %d is not in the trail", refuses, m.Seq)
				}
				if seen, ok := l.Index.Lookup(event.IdentityOf(d.Source, d.ID)); !ok || seen.Ref.Seq != m.Seq {
					t.Errorf("%s refuses: the decision on %d is not known", refuses, m.Seq)
				}
			}
			until(t, b, newLane(t, b, hubtest.WithoutAgreements(t)))
			w = look(t, b)
			w.exact(t, before+uint64(len(msgs)))
			for _, m := range msgs {
				if d := w.decisions[m.Seq]; d.Federation != fed.Digest {
					t.Errorf("%s refuses: %d is decided by %q", refuses, m.Seq, d.Federation)
				}
			}
		})
	}
}

// beginningsOf are events whose pair is in flight, if the name of the test says so: few, and all routed.
func beginningsOf(name string) []event.Message {
	all := beginnings()
	if strings.HasSuffix(name, "in flight") {
		return all[:1]
	}
	return all
}

// flying has a lane store its next pair in a flight, if the name of the test says so.
func (l *Lane) flying(name string) {
	if strings.HasSuffix(name, "in flight") {
		l.few = pairInFlight
	}
}

// TestNoHalf: another owner has taken over, and both halves are refused. Nothing is stored or recorded,
// and who decides then decides anew.
func TestNoHalf(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	before := publishedBefore(t, b, newLane(t, b, fed))
	l, _, msgs := paired(t, b, newLane(t, b, fed), beginnings()...)
	for _, of := range []*target{l.trail, l.out} {
		if err := l.persist(t.Context(), newTargetAt(t, b, of), newBatch(of.at, nil)); err != nil {
			t.Fatal(err)
		}
	}
	ended, err := b.LastSeq(t.Context(), bus.Trail)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.carries(t.Context(), msgs); !errors.Is(err, bus.ErrFenced) {
		t.Fatalf("it was %v, want ErrFenced", err)
	}
	l.work.Stop()
	if ends, err := b.LastSeq(t.Context(), bus.Trail); err != nil || ends != ended {
		t.Errorf("the trail ends at %d, %v: the other owner is fenced for nothing", ends, err)
	}
	if w := look(t, b); len(w.decisions) != 1 || len(w.copies) != 2 {
		t.Errorf("%d decisions and %d copies", len(w.decisions), len(w.copies))
	}
	later := hubtest.WithoutAgreements(t)
	until(t, b, newLane(t, b, later))
	w := look(t, b)
	w.exact(t, before+uint64(len(msgs)))
	for _, m := range msgs {
		if d := w.decisions[m.Seq]; d.Federation != later.Digest {
			t.Errorf("%d is decided by %q", m.Seq, d.Federation)
		}
	}
}

// leftover leaves of a pair what is in OUT alone, as a crash does.
func leftover(t *testing.T, b *bus.Bus, l *Lane, p *pair, messages int) {
	t.Helper()
	cursor, err := l.out.message(p.opens)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Chain(t.Context(), append([]event.Message{cursor}, p.out.msgs...)[:messages], bus.Guard{Subject: l.out.subject, Last: l.out.last}); err != nil {
		t.Fatal(err)
	}
	l.work.Stop()
}

// edgeOf is a message as it comes by the edge stream.
func edgeOf(m event.Message) event.Message {
	m.Subject = "edge" + strings.TrimPrefix(m.Subject, "in")
	return m
}

// TestPairOfTheOtherLane: a crash leaves the copies of an event, whose decision is not in the trail
// yet, and the sender has sent it again by HTTP. The lane of the edge stream is the first to be at
// work; it knows of the decision all the same.
func TestPairOfTheOtherLane(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publishedBefore(t, b, newLane(t, b, fed))
	e := hubtest.Event("same", hubtest.Ding, "k", `{"n":1,"text":"x"}`)
	l, p, _ := paired(t, b, newLane(t, b, fed), e)
	leftover(t, b, l, p, 1+len(p.out.msgs))
	publish(t, b, edgeOf(e))
	in, edge := both(t, b, fed)
	decided := make(chan *decision.Decision, 10)
	edge.Decided = func(d *decision.Decision) { decided <- d }
	_, stop := run(t, edge)
	defer stop()
	if d := <-decided; d.Outcome != hub.Suppressed {
		t.Errorf("the edge stream's lane has decided %s", d.Outcome)
	}
	until(t, b, in)
	look(t, b).exact(t, 2)
}

// TestPairFailsBesideTheOtherLane: either half of a pair is refused while the other lane is at work
// and the same event comes there.
func TestPairFailsBesideTheOtherLane(t *testing.T) {
	for name, refuses := range map[string]string{"TRAIL": bus.Trail, "OUT": bus.Out, "TRAIL in flight": bus.Trail, "OUT in flight": bus.Out} {
		t.Run(name, func(t *testing.T) {
			b, fed := hubtest.Bus(t), hubtest.Federation(t)
			publishedBefore(t, b, newLane(t, b, fed))
			in, edge := both(t, b, fed)
			decided := make(chan *decision.Decision, 10)
			edge.Decided = func(d *decision.Decision) { decided <- d }
			_, stop := run(t, edge)
			defer stop()
			publish(t, b, edgeOf(hubtest.Event("other", hubtest.Ding, "k2", `{"n":1}`)))
			<-decided
			e := hubtest.Event("same", hubtest.Ding, "k", `{"n":1,"text":"x"}`)
			l, _, msgs := paired(t, b, in, e)
			l.flying(name)
			of := map[string]*target{bus.Trail: l.trail, bus.Out: l.out}[refuses]
			if err := l.persist(t.Context(), newTargetAt(t, b, of), newBatch(of.at, nil)); err != nil {
				t.Fatal(err)
			}
			// it comes when the pair has failed, before the lane has recorded that, and takes over again
			again := sync.OnceFunc(func() { publish(t, b, edgeOf(e)) })
			l.crash = func(point string) {
				if point == "before "+bus.Trail {
					again()
				}
			}
			if err := l.carries(t.Context(), msgs); !errors.Is(err, bus.ErrFenced) {
				t.Fatal(err)
			}
			l.work.Stop()
			again()
			if d := <-decided; d.Outcome != hub.Suppressed {
				t.Errorf("%s refuses: the edge stream's lane has decided %s", refuses, d.Outcome)
			}
			until(t, b, newLane(t, b, fed))
			n := 0
			for _, m := range look(t, b).bodies {
				if m.Get("ce-id") == "same" {
					n++
				}
			}
			if n != 2 {
				t.Errorf("%s refuses: %d copies for two mailboxes", refuses, n)
			}
		})
	}
}

// TestAnotherEventAtItsPlace: the store has lost an event that was decided, and its sequence went to
// another one. That does not go by the decision.
func TestAnotherEventAtItsPlace(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publishedBefore(t, b, newLane(t, b, fed))
	l, p, msgs := paired(t, b, newLane(t, b, fed), hubtest.Event("old", hubtest.Ding, "k", `{"n":1,"text":"x"}`))
	leftover(t, b, l, p, 1)
	if err := b.RemoveStream(t.Context(), inAlpha); err != nil {
		t.Fatal(err)
	}
	specs := hubtest.Layout.Specs(hubtest.Organisations)
	i := slices.IndexFunc(specs, func(s bus.StreamSpec) bool { return s.Name == inAlpha })
	if err := b.MakeStream(t.Context(), specs[i], msgs[0].Seq); err != nil {
		t.Fatal(err)
	}
	publish(t, b, hubtest.Event("new", hubtest.Niemand, "k", `{"n":2}`))
	next := newLane(t, b, fed)
	var err error
	if next.work, err = b.Work(t.Context(), next.In, nil); err != nil {
		t.Fatal(err)
	}
	defer next.work.Stop()
	next.aim()
	if err := next.takeOver(t.Context()); !errors.Is(err, errLost) {
		t.Errorf("it takes over: %v", err)
	}
	if w := look(t, b); len(w.copies) != 2 { // of the event before
		t.Errorf("%d copies", len(w.copies))
	}
}

// newTargetAt is a target at which somebody else writes.
func newTargetAt(t *testing.T, b *bus.Bus, of *target) *target {
	t.Helper()
	other := &target{bus: b, in: of.in, stream: of.stream, subject: of.subject}
	if err := other.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.Loose(of.stream, of.in, 0)
	return other
}

// TestRecordedBehindAFlyingPair: the next event is recorded, with a cursor of the trail, while the
// copies of a pair are being stored, and the owner dies. Whatever is stored of them is found.
func TestRecordedBehindAFlyingPair(t *testing.T) {
	for copies, all := 0, 1; copies <= all; copies++ {
		b, fed := hubtest.Bus(t), hubtest.Federation(t)
		before := publishedBefore(t, b, newLane(t, b, fed))
		l, p, _ := paired(t, b, newLane(t, b, fed), hubtest.Event("1", hubtest.Ding, "a", `{"n":1,"text":"x"}`))
		all = 1 + len(p.out.msgs)
		if copies > 0 {
			leftover(t, b, l, p, copies)
		}
		first, err := b.Chain(t.Context(), p.trail.msgs, bus.Guard{Subject: l.trail.subject, Last: l.trail.last})
		if err != nil {
			t.Fatal(err)
		}
		l.trail.chained(p.trail, first, len(p.trail.msgs))
		l.tell(p.groups)
		l.flight = &flight{ends: p.trail.cursor.Ends}
		publish(t, b, hubtest.Event("2", hubtest.Ding, "a", `{"n":2,"text":"x"}`))
		msgs, err := b.Page(t.Context(), l.In, ">", before+1, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, records, err := l.records(t.Context(), l.decide(msgs))
		if err != nil {
			t.Fatal(err)
		}
		records.closes = true
		if err := l.persist(t.Context(), l.trail, records); err != nil {
			t.Fatal(err)
		}
		l.work.Stop()
		later := hubtest.WithoutAgreements(t)
		dies(t, newLane(t, b, later), copies%5)
		until(t, b, newLane(t, b, later))
		w := look(t, b)
		w.exact(t, before+2)
		for _, seq := range []uint64{before + 1, before + 2} {
			if d := w.decisions[seq]; d.Federation != fed.Digest {
				t.Errorf("%d of %d in OUT: %d is decided by %q", copies, all, seq, d.Federation)
			}
		}
	}
}
