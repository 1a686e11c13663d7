package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// quietBooks count faults and report none.
func quietBooks() *books {
	return newBooks(nil)
}

func routed(seq uint64, key, place int, to ...string) *decision.Decision {
	d := &decision.Decision{
		In: "IN_alpha", Seq: seq, Application: "alpha.app", Type: hubtest.Ding, Outcome: hub.Routed,
		ID: fmt.Sprintf("e-%d-%d", key, place), Source: fmt.Sprint("urn:test:alpha:case-", key), Digest: "d",
	}
	for _, name := range to {
		d.Receivers = append(d.Receivers, decision.Receiver{Application: name})
	}
	return d
}

func suppressed(seq uint64, key, place int) *decision.Decision {
	d := routed(seq, key, place)
	d.Outcome = hub.Suppressed
	return d
}

func (b *books) arrived(box string, out, seq uint64, key int) {
	b.boxes[box].arrives(out, filed{fmt.Sprintf("IN_alpha-%d-%s", seq, box), key, seq})
}

func (b *books) purged(stream, subject string, from, upTo, n uint64) {
	b.removal(&decision.Removal{Stream: stream, Ranges: []decision.Range{{Subject: subject, From: from, UpTo: upTo, Messages: n}}})
}

func ended(box string, out, seq uint64, place int, result decision.Result) *decision.Delivery {
	return &decision.Delivery{Mailbox: box, Out: out, In: "IN_alpha", Seq: seq, ID: fmt.Sprint("e-1-", place), Result: result, Expiry: &decision.Expiry{Told: decision.Told{Receipt: "alpha.post"}}}
}

const ones = "out.beta.one.>"

// TestBooks: the books close over what is right, and over nothing else.
func TestBooks(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*books)
		good bool
	}{
		"right": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.one"))
			b.arrived("beta.one", 5, 1, 1)
			b.arrived("beta.one", 9, 2, 1) // before its decision is read
			b.decision(routed(2, 1, 1, "beta.one"))
			b.decision(suppressed(3, 1, 1)) // its acknowledgement was lost
			b.arrived("beta.one", 5, 1, 1)
			b.purged("OUT", ones, 5, 5, 1)
			b.purged("OUT", ones, 5, 9, 2) // a crash kept the first from going
			b.purged("IN_alpha", "in.alpha.app."+hubtest.Ding, 1, 3, 3)
			b.claim(map[uint64][]sent{1: {{id: "e-1-0", want: "routed"}}, 3: {{id: "e-1-1", want: "routed"}}})
		}, true},
		"expired": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.four"))
			b.delivery(ended("beta.four", 5, 1, 0, decision.Expired))
			b.boxes["alpha.post"].arrives(6, filed{id: "IN_alpha-1-beta.four-verfallen"})
			b.purged("OUT", "out.alpha.post.>", 6, 6, 1)
			b.purged("IN_alpha", "in.alpha.app."+hubtest.Ding, 1, 1, 1)
		}, true},
		"an event is skipped":   {func(b *books) { b.decision(routed(2, 1, 0)) }, false},
		"an event is parked":    {func(b *books) { d := routed(1, 1, 0); d.Outcome = hub.Parked; b.decision(d) }, false},
		"routed twice":          {func(b *books) { b.decision(routed(1, 1, 0)); b.decision(routed(2, 1, 0)) }, false},
		"suppressed only":       {func(b *books) { b.decision(suppressed(1, 1, 0)); b.decision(routed(2, 1, 1+2*maxBurst)) }, false},
		"acknowledged and lost": {func(b *books) { b.claim(map[uint64][]sent{1: {{id: "e-1-0", want: "routed"}}}) }, false},
		"acknowledged as another": {func(b *books) {
			b.decision(routed(1, 1, 0))
			b.claim(map[uint64][]sent{1: {{id: "e-1-1", want: "routed"}}})
		}, false},
		"two at one sequence": {func(b *books) {
			b.decision(routed(1, 1, 0))
			b.claim(map[uint64][]sent{1: {{id: "e-1-0", want: "routed"}, {id: "e-1-0", want: "routed"}}})
		}, false},
		"routed though bad": {func(b *books) {
			b.decision(routed(1, 1, 0))
			b.claim(map[uint64][]sent{1: {{id: "e-1-0", want: "quarantined"}}})
		}, false},
		"a copy is missing": {func(b *books) { b.decision(routed(1, 1, 0, "beta.one")) }, false},
		"a copy of nothing": {func(b *books) { b.arrived("beta.one", 5, 1, 1) }, false},
		"a copy stands twice": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.one"))
			b.arrived("beta.one", 5, 1, 1)
			b.arrived("beta.one", 6, 1, 1)
			b.purged("OUT", ones, 5, 6, 2)
		}, false},
		"out of order": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.one"))
			b.decision(routed(2, 1, 1, "beta.one"))
			b.arrived("beta.one", 6, 1, 1)
			b.arrived("beta.one", 5, 2, 1)
			b.purged("OUT", ones, 5, 6, 2)
		}, false},
		"removed unread": {func(b *books) { b.decision(routed(1, 1, 0, "beta.one")); b.purged("OUT", ones, 5, 5, 1) }, false},
		"removed without a record": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.one"))
			b.decision(routed(2, 2, 0, "beta.one"))
			b.arrived("beta.one", 5, 1, 1)
			b.arrived("beta.one", 6, 2, 2)
			b.purged("OUT", ones, 6, 6, 1)
		}, false},
		"came back after a crash": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.one"))
			b.decision(routed(2, 2, 0, "beta.one"))
			b.arrived("beta.one", 5, 1, 1)
			b.arrived("beta.one", 9, 2, 2)
			b.purged("OUT", ones, 5, 5, 1)
			b.purged("OUT", ones, 9, 9, 1)
			b.purged("OUT", ones, 5, 5, 1)
			b.arrived("beta.one", 5, 1, 1)
			b.purged("IN_alpha", "in.alpha.app."+hubtest.Ding, 1, 2, 2)
		}, true},
		"removed more than was there": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.one"))
			b.decision(routed(2, 2, 0, "beta.one"))
			b.arrived("beta.one", 5, 1, 1)
			b.arrived("beta.one", 9, 2, 2)
			b.purged("OUT", ones, 5, 5, 1)
			b.purged("OUT", ones, 9, 9, 2)
			b.purged("IN_alpha", "in.alpha.app."+hubtest.Ding, 1, 2, 2)
		}, false},
		"handed out after removal as another": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.one"))
			b.arrived("beta.one", 5, 1, 1)
			b.purged("OUT", ones, 5, 5, 1)
			b.purged("IN_alpha", "in.alpha.app."+hubtest.Ding, 1, 1, 1)
			b.arrived("beta.one", 4, 1, 1)
		}, false},
		"never removed": {func(b *books) { b.decision(routed(1, 1, 0, "beta.one")); b.arrived("beta.one", 5, 1, 1) }, false},
		"removed and undecided": {func(b *books) {
			b.decision(routed(1, 1, 0))
			b.purged("IN_alpha", "in.alpha.app."+hubtest.Ding, 1, 2, 2)
		}, false},
		"expired twice": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.four"))
			b.delivery(ended("beta.four", 5, 1, 0, decision.Expired))
			b.delivery(ended("beta.four", 5, 1, 0, decision.Expired))
		}, false},
		"expired and not told": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.four"))
			b.delivery(ended("beta.four", 5, 1, 0, decision.Expired))
		}, false},
		"a copy taken, and expired": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.one"))
			b.delivery(ended("beta.one", 5, 1, 0, decision.Expired))
		}, false},
		"done twice, as two copies": {func(b *books) {
			b.decision(routed(1, 1, 0, "beta.three"))
			b.delivery(ended("beta.three", 5, 1, 0, decision.Done))
			b.delivery(ended("beta.three", 6, 1, 0, decision.Done))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := quietBooks()
			c.do(b)
			open := b.faults > 0
			for _, box := range b.all() {
				open = open || box.open() != ""
			}
			if open == c.good {
				t.Errorf("faults: %d, want right to be %t", b.faults, c.good)
			}
		})
	}
}

// TestWritten: files of a key in order, whichever side is heard of first.
func TestWritten(t *testing.T) {
	for _, at := range [][]int{{1, 2, 3}, {1, 3, 2}, {2, 1, 3}} {
		for _, heard := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
			b := quietBooks()
			for _, i := range heard {
				b.written.taken(fmt.Sprint("e-1-", i), time.Unix(int64(at[i]), 0))
			}
			for i := range 3 {
				b.written.decided(fmt.Sprint("e-1-", i), uint64(i+1))
			}
			if right := at[0] < at[1] && at[1] < at[2]; right != (b.faults == 0) {
				t.Errorf("written at %v, heard of as %v: %d faults", at, heard, b.faults)
			}
		}
	}
}

// TestFlatSizes: a stream that grows is told from one that stays.
func TestFlatSizes(t *testing.T) {
	run := func(size func(minute int) uint64) (all []sizes) {
		for minute := range 60 {
			all = append(all, sizes{at: time.Unix(int64(60*minute), 0), bytes: map[string]uint64{"OUT": size(minute)}})
		}
		return all
	}
	if err := flat(run(func(m int) uint64 { return uint64(20+m%7) << 20 }), "OUT"); err != nil {
		t.Error(err)
	}
	if err := flat(run(func(m int) uint64 { return uint64(3*m) << 20 }), "OUT"); err == nil {
		t.Error("a stream that grows by 3 MB a minute counts as flat")
	}
}
