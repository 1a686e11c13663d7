package bus

import (
	"testing"
	"time"
)

// clocked are costs whose clock the test moves.
func clocked() (c *costs, pass func(time.Duration)) {
	at := time.Unix(0, 0)
	return &costs{now: func() time.Time { return at }}, func(d time.Duration) { at = at.Add(d) }
}

// TestCostsOfThoroughness: a server of which nothing is known, and that syncs each message, is
// not asked again and again to store many of them as a chain.
func TestCostsOfThoroughness(t *testing.T) {
	c, pass := clocked()
	chains := func(n int) (many int) {
		for i := range n {
			size := []int{900, 460, 3}[i%3]
			took := 30 * time.Millisecond
			if c.chain(size) {
				took = time.Duration(size) * 300 * time.Microsecond
				pass(took)
				c.chained(size, took)
				if size >= manySynced {
					many++
				}
				continue
			}
			pass(took)
			c.batched(size, took)
		}
		return many
	}
	if n := chains(400); n > 2 || !c.syncsEach() {
		t.Errorf("%d chains were tried, and the server is taken for one that syncs: %t", n, c.syncsEach())
	}
	if c.pairs(5) {
		t.Error("it is to store pairs")
	}
	if yes, _ := c.joins(2000); yes {
		t.Error("it is to store chains of 2000")
	}
	if n := chains(20_000); n == 0 || n > 2 {
		t.Errorf("in ten minutes %d more were tried", n)
	}
	fast := false
	for range 60_000 { // it is another server by now
		if pass(20 * time.Millisecond); c.chain(900) {
			c.chained(900, 900*tooFast/2)
			fast = true
			break
		}
		c.batched(900, 30*time.Millisecond)
	}
	if !fast || c.syncsEach() || !c.chain(900) {
		t.Errorf("a chain was tried: %t; the server is still taken for one that syncs: %t", fast, c.syncsEach())
	}
}

// TestCostsOfSlowChains: chains that waited for the same are no two, and what a broken one took
// says nothing.
func TestCostsOfSlowChains(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(c *costs, pass func(time.Duration))
		want bool
	}{
		"one":         {func(c *costs, _ func(time.Duration)) { c.chained(500, time.Second) }, false},
		"two at once": {func(c *costs, _ func(time.Duration)) { c.chained(500, time.Second); c.chained(900, time.Second) }, false},
		"two": {func(c *costs, pass func(time.Duration)) {
			c.chained(500, time.Second)
			pass(time.Second)
			c.chained(900, time.Second)
		}, true},
		"two, a quick one among": {func(c *costs, pass func(time.Duration)) {
			c.chained(500, time.Second)
			pass(time.Second)
			c.chained(50, time.Millisecond)
			pass(time.Second)
			c.chained(900, time.Second)
		}, false},
		"two of few messages": {func(c *costs, pass func(time.Duration)) {
			c.chained(9, time.Second)
			pass(time.Second)
			c.chained(9, time.Second)
		}, false},
		"two that broke": {func(c *costs, pass func(time.Duration)) {
			c.broke(500, time.Second)
			pass(time.Second)
			c.broke(500, time.Second)
		}, false},
		"two by a long way": {func(c *costs, pass func(time.Duration)) {
			c.chained(2, 15*time.Millisecond)
			c.chained(50, 17*time.Millisecond)
			pass(time.Second)
			c.chained(50, 17*time.Millisecond)
		}, false},
		"two long ones at once": {func(c *costs, pass func(time.Duration)) {
			c.chained(500, time.Second)
			pass(time.Second / 2)
			c.chained(4*MaxBatch, 4*time.Second)
		}, false},
		"its settings say not": {func(c *costs, pass func(time.Duration)) {
			c.syncing(false)
			c.chained(500, time.Second)
			pass(time.Second)
			c.chained(900, time.Second)
		}, false},
	} {
		one, pass := clocked()
		pass(time.Hour)
		if c.do(one, pass); one.syncsEach() != c.want {
			t.Errorf("%s slow: taken for a server that syncs: %t", name, !c.want)
		}
	}
	c, pass := clocked()
	pass(time.Hour)
	c.chained(500, time.Second)
	pass(time.Second)
	c.chained(900, time.Second)
	tried := 0
	for range trySoon {
		c.batched(900, 500*time.Millisecond) // no better
		if c.chain(900) {
			tried++
		}
	}
	if tried == 0 {
		t.Error("a chain is not tried where a batch takes as long")
	}
}

// TestCostsOfHasteThatEnds: a chain that is not confirmed in time is not stored by a server that
// syncs nothing.
func TestCostsOfHasteThatEnds(t *testing.T) {
	c, pass := clocked()
	pass(time.Hour)
	c.chained(500, time.Millisecond)
	c.broke(500, time.Second) // by somebody else
	if c.syncs != hasty {
		t.Error("a chain that somebody broke says that the server syncs")
	}
	if c.broke(500, Timeout); c.syncs == hasty {
		t.Error("it is still taken for one that does not sync")
	}
	c, pass = clocked()
	pass(time.Hour)
	c.chained(500, time.Millisecond)
	if c.paired(2, time.Millisecond); c.syncs != hasty {
		t.Error("a pair of few messages says that the server syncs")
	}
	if c.paired(40, 3*time.Millisecond); c.syncs != hasty {
		t.Error("a pair that took as long as for a server that does not sync says that it does")
	}
	if c.paired(40, 20*time.Millisecond); c.syncs == hasty || c.pairs(40) {
		t.Error("it is still taken for one that does not sync")
	}
}
