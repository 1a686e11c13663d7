package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
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
	l.few = inPair
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

// TestPairedZombie: an owner that was cut off before it stored a pair comes back after another
// one has finished its work; neither half is stored.
func TestPairedZombie(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	publish(t, b, hubtest.Event("1", hubtest.Ding, "k", `{"n":1}`))
	zombie := newLane(t, b, fed)
	zombie.few = inPair
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
		"it syncs, and there are more than a few": {msgs, func() func() { l.few = fitting; return func() { l.few = inPair } }},
		"in flight, more than a few messages":     {[]*event.Message{msgs[0], msgs[2]}, func() func() { l.few = pairInFlight; return func() { l.few = inPair } }},
		"in flight, and not all for OUT":          {msgs[:2], func() func() { l.few = pairInFlight; return func() { l.few = inPair } }},
		"little room":                             {msgs, func() func() { b.Tight(true); return func() { b.Tight(false) } }},
		"many events":                             {slices.Repeat(msgs, manyEvents), func() func() { return func() {} }},
		"something flies":                         {msgs, func() func() { l.flight = &flight{}; return func() { l.flight = nil } }},
		"a key is parked":                         {msgs, func() func() { l.Parking.key("k"); return func() { clear(l.Parking.keys) } }},
		"a mailbox is owed": {msgs, func() func() {
			l.out.at.Owed = map[string]decision.Owed{"beta.one": {Seq: 1}}
			return func() { l.out.at.Owed = nil }
		}},
		"a limit of events a second": {[]*event.Message{msgs[0]}, func() func() {
			l.few, l.Pace = pairInFlight, &quota.Pace{Rate: func() int { return 1000 }}
			return func() { l.few, l.Pace = inPair, nil }
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
				t.Errorf("a pair %+v, %v", p, err)
			}
		})
	}
}

// TestNoPairOfChainsThatBreak: where chains of so many messages end in the middle, there are none
// that two streams wait for.
func TestNoPairOfChainsThatBreak(t *testing.T) {
	for _, how := range []manner{inPair, pairInFlight} {
		layout := hubtest.Layout
		layout.Quarantine = 4 << 20
		b, fed := hubtest.BusOf(t, layout), hubtest.Federation(t)
		l, p, msgs := paired(t, b, newLane(t, b, fed), beginnings()[0])
		l.few = how
		pair := func() *pair {
			msgs[0].Ahead = nil
			p, err := l.pair(t.Context(), l.decide(msgs), msgs)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if pair() == nil {
			t.Fatal("no pair")
		}
		chain := make([]event.Message, len(p.out.msgs)+1)
		for i := range chain {
			chain[i] = event.Message{Subject: "quarantine.other.filler", Data: make([]byte, i*(400<<10))}
		}
		for broken := 0; broken < 3; { // there is room for the first of them alone; a single one is bad luck
			if _, err := b.Chain(t.Context(), chain, bus.Guard{}); errors.Is(err, bus.ErrUnclear) {
				broken++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if pair() != nil {
			t.Errorf("manner %d: a pair, though chains of %d messages break", how, len(chain))
		}
	}
}

// TestNoPairBesideOthers: while somebody else writes to OUT a pair in flight would wait for his turn
// with its record; so that goes first.
func TestNoPairBesideOthers(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	l, _, msgs := paired(t, b, newLane(t, b, fed), beginnings()[0])
	l.few = pairInFlight
	others, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			for others.Err() == nil {
				filler := slices.Repeat([]event.Message{{Subject: fmt.Sprint("out.other.filler", i)}}, 100)
				if _, err := b.Chain(others, filler, bus.Guard{}); err != nil && others.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	defer wg.Wait()
	defer stop()
	for range 1000 {
		msgs[0].Ahead = nil
		p, err := l.pair(t.Context(), l.decide(msgs), msgs)
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			return
		}
	}
	t.Error("it is always a pair")
}

// TestNoPairOfWhatCannotBeMade: a copy that cannot be made parks its key, as ever, and that is
// recorded before anything is stored.
func TestNoPairOfWhatCannotBeMade(t *testing.T) {
	full, without := hubtest.Changed(t, hubtest.AddSache), hubtest.Changed(t, hubtest.AddSache, hubtest.RemoveDing)
	b := hubtest.Bus(t)
	publish(t, b, event1(1, hubtest.Sache, "a"), event1(2, hubtest.Ding, "b"))
	l := newLane(t, b, full)
	l.few = inPair
	version := &Version{full, send.New(without.Schemas)}
	l.Current = func() *Version { return version }
	grounded(t, b, l)
	msgs, err := b.Page(t.Context(), l.In, ">", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var pairs atomic.Int32
	l.crash = func(point string) {
		if point == "before both" {
			pairs.Add(1)
		}
	}
	if err := l.carry(t.Context(), msgs); err != nil {
		t.Fatal(err)
	}
	if pairs.Load() > 0 {
		t.Error("there was a pair")
	}
	if h := survey(t, b); fmt.Sprint(h.out["beta.one a"]) != "[1]" || h.outcome(2) != "parked SCHEMA_GONE" {
		t.Errorf("of a came %v, and 2 is %q", h.out["beta.one a"], h.outcome(2))
	}
}
