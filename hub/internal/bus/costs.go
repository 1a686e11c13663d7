package bus

import (
	"math/bits"
	"slices"
	"sync"
	"time"
)

// costs knows how long the two ways of storing several messages take on this
// server, and so which one is sooner: an atomic batch is staged in files of its
// own, which takes a while whatever it holds, and is synced once; a chain has no
// such beginning, but each of its messages is synced by itself where the server
// syncs. It goes by what it has seen, for each size by itself, and now and then
// tries the other way. A wrong guess costs time, nothing else.
type costs struct {
	mu    sync.Mutex
	tight bool     // there is little room on the disk
	syncs syncs    // what the server's settings say, or how fast it is
	slow  slow     // chains that say that it syncs
	sizes [16]cost // by the logarithm of the number of messages
	now   func() time.Time
}

type cost struct {
	chain, batch lately
	asked        uint
	tried        time.Time // when the way that is slower, or was never gone, was tried last
}

// lately is how long the last few took, the newest last; the median counts: one that
// had to wait for something else, a removal or a look into an old block, says nothing of
// its way.
type lately struct {
	took [5]time.Duration
	n    int // that there are
}

func (l *lately) add(took time.Duration) {
	if l.n == len(l.took) {
		copy(l.took[:], l.took[1:])
		l.n--
	}
	l.took[l.n] = took
	l.n++
}

// is the time that one takes; 0: it was not tried yet.
func (l *lately) is() time.Duration {
	if l.n == 0 {
		return 0
	}
	sorted := l.took
	slices.Sort(sorted[:l.n])
	return sorted[(l.n-1)/2]
}

// How often the way that is slower is tried again: the more slower, the less, since
// all that comes meanwhile waits. One that was tried less than few times may have been
// unlucky.
const (
	few        = 3
	trySoon    = 8 // times that it is asked
	tryOften   = 10 * time.Second
	tryUnsure  = time.Minute
	trySeldom  = 10 * time.Minute
	muchSlower = 3
	// slack: a batch that takes longer than a chain without this part of its time is no
	// better: it is stored twice, which costs the server more than time tells.
	slack = 4
)

// longest is what a chain may take that is longer than an atomic batch, or is only tried.
const longest = Timeout / 16

// brokenCost is what a chain that came to an unclear end counts for at least.
const brokenCost = 100 * time.Millisecond

func newCosts() *costs { return &costs{now: time.Now} }

func (c *costs) size(n int) *cost { return &c.sizes[min(bits.Len(uint(max(n, 1)))-1, len(c.sizes)-1)] }

// asBatch gives the share of a chain that would go as one atomic batch, if it is longer than one
// may be.
func asBatch(n int, took time.Duration) (int, time.Duration) {
	if n <= MaxBatch {
		return n, took
	}
	return MaxBatch, took * MaxBatch / time.Duration(n)
}

// joins tells whether n messages, more than an atomic batch holds, may go as one chain: chains
// are known to be the better way, and this one takes a small part of the time that it has. When
// it is time to try a batch, staged says so.
func (c *costs) joins(n int) (yes, staged bool) {
	c.mu.Lock()
	s := c.size(MaxBatch)
	known := c.syncs != thorough && s.chain.n > 0 && (s.batch.n == 0 || s.chains()) && s.chain.is()*time.Duration(n)/MaxBatch < longest
	c.mu.Unlock()
	if !known {
		return false, false
	}
	yes = c.chain(MaxBatch)
	return yes, !yes
}

// chain tells whether n messages are sooner stored one behind the other.
func (c *costs) chain(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tight || n == 1 {
		return !c.tight
	}
	s := c.size(n)
	switch {
	case c.syncs == always && n >= manySynced: // to see what a chain takes would take up to a second
		return false
	case c.syncs == thorough && n >= manySynced && (s.batch.n == 0 || c.slow.each*time.Duration(n) > muchSlower*s.batch.is()):
		return c.tryThorough(n)
	case (c.syncs == never || c.syncs == hasty) && s.chain.is() < brokenCost:
		return true
	}
	s.asked++
	switch {
	case s.chain.n == 0:
		worse, sure := c.worseBelow(s)
		return !worse || !sure && s.asked%trySoon == 0
	case s.batch.n == 0:
		return s.chain.is() <= c.batchBelow(s) && c.now().Sub(s.tried) < tryUnsure
	}
	return s.chains() != c.again(s)
}

// pairs tells whether a chain of n messages is known to be cheap: the server syncs none.
func (c *costs) pairs(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return (c.syncs == never || c.syncs == hasty) && !c.tight && c.size(n).chain.is() < brokenCost
}

// holds tells whether chains of n messages do not break.
func (c *costs) holds(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.tight && c.size(n).chain.is() < brokenCost
}

// again tells whether it is time to try the slower way.
func (c *costs) again(s *cost) bool {
	chain, batch, slower := s.chain.is(), s.batch.is(), s.chain.n
	if s.chains() {
		slower = s.batch.n
	}
	much := max(chain, batch) > muchSlower*min(chain, batch)
	every := tryOften
	switch {
	case slower < few && (!much || !s.chains()):
		return s.asked%trySoon == 0
	case slower < few:
		every = tryUnsure
	case much:
		every = trySeldom
	}
	now := c.now()
	if now.Sub(s.tried) < every {
		return false
	}
	s.tried = now
	return true
}

// chains tells whether a chain is the better way, of two that were tried.
func (c *cost) chains() bool { return c.chain.is() <= c.batch.is()+c.batch.is()/slack }

// worseBelow tells whether a chain of fewer messages is the slower way already; it is sure of that
// once one was tried a few times: a single one may have been unlucky.
func (c *costs) worseBelow(s *cost) (worse, sure bool) {
	for i := range c.sizes {
		one := &c.sizes[i]
		if one == s {
			break
		}
		if one.batch.n > 0 && !one.chains() {
			worse, sure = true, sure || one.chain.n >= few
		}
	}
	return worse, sure
}

// batchBelow is how long a batch of fewer messages takes, and so one of more at least; 0
// when that is not known.
func (c *costs) batchBelow(s *cost) (longest time.Duration) {
	for i := range c.sizes {
		if one := &c.sizes[i]; one == s {
			break
		} else {
			longest = max(longest, one.batch.is())
		}
	}
	return longest
}

// broke takes in that a chain came to an unclear end, as when another instance wrote
// between its messages, or the connection was lost: that costs at least a take-over.
func (c *costs) broke(n int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if took >= Timeout { // it was not somebody else who broke it
		c.haste(n, took)
	}
	n, took = asBatch(n, took)
	c.counted(n, max(took, brokenCost))
}

// chained and batched take in how long it took. When the way that was slower is the sooner
// one now, what it took before counts no more.
func (c *costs) chained(n int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.haste(n, took)
	c.counted(asBatch(n, took))
}

// paired takes in how long a pair took, of which one chain had n messages. It is no chain alone, so it
// does not say whether the server syncs; but one that takes so long is not stored in haste.
func (c *costs) paired(n int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.syncs == hasty && n >= manySynced && took-c.way() > tooSlow*time.Duration(n) {
		c.syncs = unknown
	}
	c.counted(n, took)
}

// counted takes in how long a chain took. It is called with mu held.
func (c *costs) counted(n int, took time.Duration) {
	s := c.size(n)
	if s.batch.n > 0 && !s.chains() && took < s.batch.is() {
		s.chain = lately{}
	}
	if s.chain.add(took); s.chain.n == 1 {
		s.tried = c.now()
	}
}

func (c *costs) batched(n int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.size(n)
	if s.chain.n > 0 && s.chains() && took < s.chain.is() {
		s.batch = lately{}
	}
	if s.batch.add(took); s.batch.n == 1 {
		s.tried = c.now()
	}
}

// Joins tells whether n messages, more than Append takes, are sooner stored by one Chain than
// by several; staged: the first of them are to go by Append, to see what that takes now.
func (b *Bus) Joins(n int) (yes, staged bool) { return b.costs.joins(n) }

// IsTight tells what Tight has said last.
func (b *Bus) IsTight() bool {
	b.costs.mu.Lock()
	defer b.costs.mu.Unlock()
	return b.costs.tight
}

// Tight says whether there is little room on the disk. A stream whose write fails
// takes none until the server starts anew; a batch that cannot be staged leaves
// every stream as it was. So then all goes as batches.
func (b *Bus) Tight(tight bool) {
	b.costs.mu.Lock()
	defer b.costs.mu.Unlock()
	b.costs.tight = tight
}
