package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// paired is a lane that has taken over and stores pairs, and the pair that some events bring,
// which come behind before others.
func paired(t *testing.T, b *bus.Bus, l *Lane, events ...event.Message) (*Lane, *pair, []*event.Message) {
	t.Helper()
	last, err := b.LastSeq(t.Context(), l.In)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, events...)
	l.eager, l.pairs = false, true
	grounded(t, b, l)
	msgs, err := b.Page(t.Context(), l.In, ">", last, 100)
	if err != nil {
		t.Fatal(err)
	}
	l.version = l.Current()
	p, err := l.pair(t.Context(), l.decide(msgs), msgs)
	if err != nil || p == nil {
		t.Fatalf("no pair: %v", err)
	}
	return l, p, msgs
}

// TestBeginningOfAPair: the owner dies when one chain of a pair has come so far, and the other so
// far. Whatever is in OUT stands behind its decision; who takes over records that before anything
// else and carries it out, and decides anew where nothing is stored; also if it dies too.
func TestBeginningOfAPair(t *testing.T) {
	for _, n := range []int{2, 5} { // decisions by themselves, and in one message
		for copies := 0; ; copies++ {
			all := 0
			for records := 0; records < 2+3/n; records++ { // 2 messages of 2, 1 of 5
				all = beginningOfAPair(t, n, copies, records)
			}
			if copies == all {
				break
			}
		}
	}
}

func beginningOfAPair(t *testing.T, n, copies, records int) (all int) {
	t.Helper()
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	before := publishedBefore(t, b, newLane(t, b, fed))
	l, p, _ := paired(t, b, newLane(t, b, fed), beginnings()[:n]...)
	cursor, err := l.out.message(p.opens)
	if err != nil {
		t.Fatal(err)
	}
	out := append([]event.Message{cursor}, p.out.msgs...)
	for _, c := range []struct {
		t    *target
		msgs []event.Message
	}{{l.out, out[:copies]}, {l.trail, p.trail.msgs[:min(records, len(p.trail.msgs))]}} {
		if len(c.msgs) > 0 {
			if _, err := b.Chain(t.Context(), c.msgs, bus.Guard{Subject: c.t.subject, Last: c.t.last}); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.work.Stop()
	later := hubtest.WithoutAgreements(t)
	dies(t, newLane(t, b, later), (3*copies+records)%13)
	until(t, b, newLane(t, b, later))
	w := look(t, b)
	w.exact(t, before+uint64(n))
	recorded := 0
	for _, g := range p.groups[:min(records, len(p.groups))] {
		recorded += len(g.Decisions)
	}
	if copies > 0 {
		recorded = n
	}
	for i := range n {
		if d := w.decisions[before+1+uint64(i)]; (d.Federation == fed.Digest) != (i < recorded) {
			t.Errorf("%d of %d in OUT and %d records: %d is decided by %q", copies, len(out), records, i+1, d.Federation)
		}
	}
	return len(out)
}

// TestDecisionsInFront: no copy of a pair lies in OUT but behind the record of its decision.
func TestDecisionsInFront(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publishedBefore(t, b, newLane(t, b, fed))
	l, p, msgs := paired(t, b, newLane(t, b, fed), beginnings()...)
	if err := l.carry(t.Context(), msgs); err != nil {
		t.Fatal(err)
	}
	decided, pairs, copies := map[uint64]bool{}, 0, 0
	err := b.Read(t.Context(), bus.Out, 1, nil, func(m *event.Message) error {
		if m.Subject == l.out.subject {
			var c decision.Cursor
			if err := json.Unmarshal(m.Data, &c); err != nil {
				return err
			}
			clear(decided)
			if c.Decided == nil {
				return nil
			}
			for _, data := range c.Decided.Records {
				pairs++
				ds, err := trail.ReadDecisions(&event.Message{Data: data})
				if err != nil {
					return err
				}
				for _, d := range ds {
					decided[d.Seq] = true
				}
			}
			return nil
		}
		if _, seq := m.Of(); seq >= msgs[0].Seq {
			if copies++; !decided[seq] {
				t.Errorf("the copy at %d is of event %d, of which nothing before it tells", m.Seq, seq)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pairs == 0 || copies != len(p.out.msgs) {
		t.Errorf("%d pairs and %d copies", pairs, copies)
	}
	// what was stored before is covered by the pair's cursor, and may go; its own copies not yet
	if !b.Covered(bus.Out, l.In, l.out.last) || b.Covered(bus.Out, l.In, l.out.first) {
		t.Errorf("covered up to %d: %t, and %d: %t", l.out.last, b.Covered(bus.Out, l.In, l.out.last), l.out.first, b.Covered(bus.Out, l.In, l.out.first))
	}
	look(t, b).exact(t, 6)
}

// TestHalfAPair: the trail refuses its half of a pair, or OUT does. Before anybody else decides
// the decisions are in the trail and known, and no cursor says more than is there.
func TestHalfAPair(t *testing.T) {
	for _, refuses := range []string{bus.Trail, bus.Out} {
		t.Run(refuses, func(t *testing.T) {
			b, fed := hubtest.Bus(t), hubtest.Federation(t)
			before := publishedBefore(t, b, newLane(t, b, fed))
			l, _, msgs := paired(t, b, newLane(t, b, fed), beginnings()...)
			of := map[string]*target{bus.Trail: l.trail, bus.Out: l.out}[refuses]
			if err := l.persist(t.Context(), newTargetAt(t, b, of), newBatch(of.at, nil)); err != nil { // another owner
				t.Fatal(err)
			}
			ended, end := context.WithCancel(t.Context())
			if err := l.carry(ended, msgs); !errors.Is(err, bus.ErrFenced) {
				t.Fatalf("it was %v, want ErrFenced", err)
			}
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
	for _, refuses := range []string{bus.Out, bus.Trail} {
		t.Run(refuses, func(t *testing.T) {
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
			of := map[string]*target{bus.Trail: l.trail, bus.Out: l.out}[refuses]
			if err := l.persist(t.Context(), newTargetAt(t, b, of), newBatch(of.at, nil)); err != nil {
				t.Fatal(err)
			}
			if err := l.carry(t.Context(), msgs); !errors.Is(err, bus.ErrFenced) {
				t.Fatal(err)
			}
			l.work.Stop()
			publish(t, b, edgeOf(e)) // before the lane takes over again
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
		some, err := Complete(t.Context(), b, inAlpha, zap.NewNop())
		if err != nil || some != want {
			t.Errorf("Complete = %t, %v; want %t", some, err, want)
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
	if err := l.carry(t.Context(), msgs); err != nil {
		t.Fatal(err)
	}
	complete(false) // both halves are there
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
	if told, want := books.Told(inAlpha), msgs[0].Seq+uint64(len(msgs)); told != want {
		t.Errorf("the ledger was told up to %d, want %d", told, want)
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

// TestPairedZombie: an owner that was cut off before it stored a pair comes back after another
// one has finished its work; neither half is stored.
func TestPairedZombie(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publish(t, b, hubtest.Event("1", hubtest.Ding, "k", `{"n":1}`))
	zombie := newLane(t, b, fed)
	zombie.eager, zombie.pairs = false, true
	asleep, wake := make(chan struct{}), make(chan struct{})
	woken := false
	zombie.crash = func(point string) {
		if point == "before both" && !woken {
			woken = true
			close(asleep)
			<-wake
		}
	}
	_, stop := run(t, zombie)
	<-asleep
	until(t, b, newLane(t, b, fed))
	close(wake)
	publish(t, b, hubtest.Event("2", hubtest.Ding, "k", `{"n":2}`))
	until(t, b, newLane(t, b, fed))
	stop()
	look(t, b).exact(t, 2)
}

// TestNoPair: what is not as nearly always is recorded first.
func TestNoPair(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	l, p, msgs := paired(t, b, newLane(t, b, fed), beginnings()...)
	if len(p.out.msgs) != 6 {
		t.Fatalf("a pair of %d copies", len(p.out.msgs))
	}
	refused := slices.DeleteFunc(slices.Clone(msgs), func(m *event.Message) bool { return !slices.Contains([]uint64{2, 4}, m.Seq) })
	for name, c := range map[string]struct {
		msgs   []*event.Message
		change func() (back func())
	}{
		"the server syncs": {msgs, func() func() { l.pairs = false; return func() { l.pairs = true } }},
		"little room":      {msgs, func() func() { b.Tight(true); return func() { b.Tight(false) } }},
		"many events":      {slices.Repeat(msgs, fliesFrom), func() func() { return func() {} }},
		"something flies":  {msgs, func() func() { l.flight = &flight{}; return func() { l.flight = nil } }},
		"a key is parked":  {msgs, func() func() { l.Parking.key("k"); return func() { clear(l.Parking.keys) } }},
		"a mailbox is owed": {msgs, func() func() {
			l.out.at.Owed = map[string]decision.Owed{"beta.one": {Seq: 1}}
			return func() { l.out.at.Owed = nil }
		}},
		"parts are stored":       {msgs, func() func() { l.out.at.Part = 1; return func() { l.out.at.Part = 0 } }},
		"OUT is not known":       {msgs, func() func() { l.out.taking = true; return func() { l.out.taking = false } }},
		"the trail is not known": {msgs, func() func() { l.trail.taking = true; return func() { l.trail.taking = false } }},
		"nothing for OUT":        {refused, func() func() { return func() {} }},
	} {
		t.Run(name, func(t *testing.T) {
			back := c.change()
			defer back()
			for _, m := range c.msgs {
				m.Ahead = nil
			}
			if p, err := l.pair(t.Context(), l.decide(c.msgs), c.msgs); p != nil || err != nil {
				t.Errorf("a pair of %d copies, %v", len(p.out.msgs), err)
			}
		})
	}
}

// TestNoPairOfWhatCannotBeMade: a copy that cannot be made parks its key, as ever, and that is
// recorded before anything is stored.
func TestNoPairOfWhatCannotBeMade(t *testing.T) {
	full, without := hubtest.Changed(t, hubtest.AddSache), hubtest.Changed(t, hubtest.AddSache, hubtest.RemoveDing)
	b := hubtest.Bus(t)
	publish(t, b, event1(1, hubtest.Sache, "a"), event1(2, hubtest.Ding, "b"))
	l := newLane(t, b, full)
	l.eager, l.pairs = false, true
	version := &Version{full, send.New(without.Schemas)}
	l.Current = func() *Version { return version }
	grounded(t, b, l)
	msgs, err := b.Page(t.Context(), l.In, ">", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var points []string
	l.crash = func(point string) { points = append(points, point) }
	if err := l.carry(t.Context(), msgs); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(points, "before both") {
		t.Errorf("there was a pair: %v", points)
	}
	if h := survey(t, b); fmt.Sprint(h.out["beta.one a"]) != "[1]" || h.outcome(2) != "parked SCHEMA_GONE" {
		t.Errorf("of a came %v, and 2 is %q", h.out["beta.one a"], h.outcome(2))
	}
}
