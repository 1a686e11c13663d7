package bus

import (
	"math"
	"testing"
	"time"
)

// TestCosts: each size goes the way that is sooner, the other is tried now and then.
func TestCosts(t *testing.T) {
	for name, server := range map[string]struct {
		each, base time.Duration
		least      int // messages from which on a batch is sooner
	}{
		"unsynced": {12 * time.Microsecond, 1200 * time.Microsecond, math.MaxInt},
		"synced":   {250 * time.Microsecond, 2 * time.Millisecond, 9},
	} {
		chains, spent, best := map[int]int{}, time.Duration(0), time.Duration(0)
		c := costs{now: func() time.Time { return time.Unix(0, 0).Add(spent) }}
		for i := range 20_000 {
			n := []int{1, 2, 5, 20, 100, 900}[i%6]
			chain, batch := time.Duration(n)*server.each, server.base+time.Duration(n)*15*time.Microsecond
			best += min(chain, batch)
			if c.chain(n) {
				chains[n]++
				spent += chain
				c.chained(n, chain)
			} else {
				spent += batch
				c.batched(n, batch)
			}
		}
		for n, of := range chains {
			if want := n < server.least; want != (of > 20_000/6/2) {
				t.Errorf("%s: %d of %d times a chain for %d messages", name, of, 20_000/6, n)
			}
		}
		if chains[1] != (20_000+5)/6 {
			t.Errorf("%s: one message went as a batch", name)
		}
		if spent > best+best/10 {
			t.Errorf("%s: it took %v where %v was possible", name, spent, best)
		}
	}
}

// TestCostsOfAStall: one chain in some that had to wait for something else does not make
// chains the slower way; some that do make it so.
func TestCostsOfAStall(t *testing.T) {
	const n, chain, batch, stall = 10, time.Millisecond, 15 * time.Millisecond, 300 * time.Millisecond
	at := time.Unix(0, 0)
	began := func() *costs { return &costs{now: func() time.Time { return at }} }
	c := began()
	spend := func(took func(int, time.Duration), d time.Duration) {
		at = at.Add(d)
		took(n, d)
	}
	went := func(times int, stalls func(i int) bool) (chains int) {
		for i := range times {
			switch {
			case !c.chain(n):
				spend(c.batched, batch)
			case stalls(i):
				chains++
				spend(c.chained, stall)
			default:
				chains++
				spend(c.chained, chain)
			}
		}
		return chains
	}
	if got := went(1000, func(i int) bool { return i%7 == 3 }); got < 980 {
		t.Errorf("%d of 1000 went as chains, though only some had to wait", got)
	}
	if got := went(1000, func(int) bool { return true }); got > 30 {
		t.Errorf("%d of 1000 went as chains, though all had to wait", got)
	}
	c = began()
	if got := went(1000, func(i int) bool { return i == 0 }); got < 900 {
		t.Errorf("%d of 1000 went as chains, though only the first had to wait", got)
	}
	c = began()
	c.broke(n, 0)
	if c.chain(n) {
		t.Error("after a chain that broke comes another one")
	}
}

// TestCostsOfABreak: one chain that came to an unclear end does not keep its size from
// going as chains; where they only come to such ends they are tried seldom.
func TestCostsOfABreak(t *testing.T) {
	const n, chain, batch = 10, time.Millisecond, 15 * time.Millisecond
	at := time.Unix(0, 0)
	c := &costs{now: func() time.Time { return at }}
	chains := func(times int, breaks func(i int) bool) (went int) {
		for i := range times {
			at = at.Add(100 * time.Millisecond)
			switch {
			case !c.chain(n):
				c.batched(n, batch)
			case breaks(i):
				went++
				c.broke(n, 5*time.Second)
			default:
				went++
				c.chained(n, chain)
			}
		}
		return went
	}
	if got := chains(1000, func(i int) bool { return i == 500 }); got < 980 {
		t.Errorf("%d of 1000 went as chains, though one came to an unclear end", got)
	}
	if got := chains(10_000, func(int) bool { return true }); got > 10 {
		t.Errorf("%d of 10 000 went as chains, though all come to unclear ends", got)
	}
	if got := chains(10_000, func(int) bool { return false }); got < 3000 {
		t.Errorf("%d of 10 000 went as chains, though they are sooner again", got)
	}
	c = &costs{now: c.now}
	if got := chains(1000, func(int) bool { return true }); got > 10 {
		t.Errorf("%d of 1000 went as chains, though there never was a whole one", got)
	}
}

// TestCostsOfAnUnluckyBatch: one batch of few that had to wait does not keep larger ones
// from being tried.
func TestCostsOfAnUnluckyBatch(t *testing.T) {
	at := time.Unix(0, 0)
	c := &costs{now: func() time.Time { return at }}
	c.chained(2, time.Millisecond)
	c.batched(2, time.Second)
	chains := 0
	for range 1000 {
		if c.chain(900) {
			chains++
			c.chained(900, 300*time.Millisecond)
			at = at.Add(300 * time.Millisecond)
		} else {
			c.batched(900, 60*time.Millisecond)
			at = at.Add(60 * time.Millisecond)
		}
	}
	if chains > 250 {
		t.Errorf("%d of 1000 went as chains, though batches are sooner", chains)
	}
}

// TestCostsOfJoining: batches go as one chain only where chains are known to be the better
// way, and such a chain takes a small part of its time; a chain that broke costs what a
// take-over does, however long it was; now and then a batch is tried.
func TestCostsOfJoining(t *testing.T) {
	at := time.Unix(0, 0)
	began := func(each, batch time.Duration) *costs {
		c := &costs{now: func() time.Time { return at }}
		for range few {
			c.chained(MaxBatch-1, (MaxBatch-1)*each)
			if batch > 0 {
				c.batched(MaxBatch-1, batch)
			}
		}
		return c
	}
	for name, x := range map[string]struct {
		c    *costs
		want bool
	}{
		"nothing is known":        {&costs{now: time.Now}, false},
		"unsynced":                {began(12*time.Microsecond, 40*time.Millisecond), true},
		"synced":                  {began(200*time.Microsecond, 40*time.Millisecond), false},
		"a slow disk, no batches": {began(500*time.Microsecond, 0), false},
	} {
		if got, staged := x.c.joins(2 * MaxBatch); got != x.want || staged {
			t.Errorf("%s: %v, %v; want %v", name, got, staged, x.want)
		}
	}
	c := began(12*time.Microsecond, 40*time.Millisecond)
	for range 3 * few {
		c.broke(4*MaxBatch, time.Millisecond)
	}
	if took := c.size(MaxBatch).chain.is(); took < 100*time.Millisecond {
		t.Errorf("chains that broke are taken for %v", took)
	}
	c = began(45*time.Microsecond, 200*time.Millisecond)
	tried := 0
	for range 1000 {
		at = at.Add(time.Second)
		if yes, staged := c.joins(2 * MaxBatch); staged {
			tried++
			c.batched(MaxBatch-1, 200*time.Millisecond)
		} else if yes {
			c.chained(2*MaxBatch, 2*MaxBatch*45*time.Microsecond)
		}
	}
	if tried == 0 || tried > 10 {
		t.Errorf("in 1000 seconds a batch is tried %d times", tried)
	}
}

// TestCostsOfSettings: where the server's settings tell which way is slower it is not tried;
// chains that break are given up all the same.
func TestCostsOfSettings(t *testing.T) {
	at := time.Unix(0, 0)
	now := func() time.Time { at = at.Add(time.Second); return at }
	c := &costs{now: now}
	c.syncing(true)
	for range 100 {
		if c.chain(900) {
			t.Fatal("900 messages are synced one by one")
		}
	}
	if !c.chain(2) {
		t.Error("a chain of two is not tried")
	}
	c = &costs{now: now}
	c.syncing(false)
	for range 100 {
		if !c.chain(900) {
			t.Fatal("a batch is tried where nothing is synced")
		}
		c.chained(900, 15*time.Millisecond)
	}
	for range 5 {
		c.broke(900, time.Millisecond)
	}
	if c.chain(900) {
		t.Error("chains break, and go on")
	}
	c.syncing(true)
	if c.chain(900) {
		t.Error("what is known of the server does not change")
	}
}

// TestCostsOfHaste: a server that has stored many messages faster than any disk syncs them is
// known not to sync: a batch is not tried any more, of few messages neither.
func TestCostsOfHaste(t *testing.T) {
	at := time.Unix(0, 0)
	c := &costs{now: func() time.Time { at = at.Add(time.Second); return at }}
	batches := func() (n int) {
		for i := range 200 {
			size := []int{4, 900}[i%2]
			if c.chain(size) {
				c.chained(size, time.Duration(size)*2*tooFast)
			} else {
				n++
				c.batched(size, 60*time.Millisecond)
			}
		}
		return n
	}
	if batches() == 0 {
		t.Error("no batch is tried where nothing is known")
	}
	c.chained(4, time.Microsecond)
	if c.syncs != unknown {
		t.Error("few messages tell something")
	}
	c.chained(900, 900*tooFast-1)
	if n := batches(); n > 0 {
		t.Errorf("%d batches are tried", n)
	}
	c.chained(900, 900*5*tooFast) // another server, or another disk
	if batches() == 0 {
		t.Error("what it was taken for is never forgotten")
	}
}

// TestCostsOfAnUnluckyChain: one small chain that was unlucky, as at a start, does not keep
// longer ones from being tried for good; a few that were slow do.
func TestCostsOfAnUnluckyChain(t *testing.T) {
	for _, c := range []struct{ slow, within int }{{1, trySoon}, {few, math.MaxInt}} {
		at := time.Unix(0, 0)
		costs := &costs{now: func() time.Time { return at }}
		for range c.slow {
			costs.chained(2, 11*time.Millisecond)
		}
		for range few {
			costs.batched(2, 2*time.Millisecond)
		}
		tried := 0
		for i := range 100 {
			if costs.chain(900) {
				tried = i + 1
				break
			}
			costs.batched(900, 15*time.Millisecond)
		}
		if was := tried > 0 && tried <= c.within; was != (c.slow < few) {
			t.Errorf("after %d slow chains one of 900 messages is tried the %dth time", c.slow, tried)
		}
	}
}
