package bus

import "time"

// syncs is whether the server syncs each message that it stores, as far as that is known: then
// the way that is slower for sure need not be tried.
type syncs int

const (
	unknown syncs = iota
	always
	never
	hasty    // it seems not to: see tooFast
	thorough // it seems to: see slow
)

// slow are chains of many messages, one after the other, of which each took so long for each
// message as if that was synced. One may have been unlucky; two are believed, for a while, if a
// batch turns out to take far less.
type slow struct {
	n      int
	each   time.Duration // of the last one, for each message
	ended  time.Time     // when that was
	tried  time.Time     // when a chain was tried last, or the server was first believed to sync
	trials int
}

// sureSlow is how many slow chains are believed.
const sureSlow = 2

// tooFast: a server that has stored many messages in less than this for each does not sync each
// of them, or so fast that it is all the same. That need not be tried out any more, and while the
// hub and the server are both busy trying tells little: a chain takes as long as all that they do
// meanwhile.
const (
	tooFast = 40 * time.Microsecond
	tooSlow = 4 * tooFast
)

// manySynced messages are sooner synced together, whatever the disk.
const manySynced = 32

// syncing takes in whether the server syncs each message that it stores.
func (c *costs) syncing(each bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.syncs = never; each {
		c.syncs = always
	}
}

// haste takes in what the time of a chain tells of a server whose settings are not known, until
// one takes far longer, or less: it may be another server by then.
func (c *costs) haste(n int, took time.Duration) {
	if n < manySynced || c.syncs == always || c.syncs == never {
		return
	}
	each := max(0, took-c.way()) / time.Duration(n)
	switch now := c.now(); {
	case took/time.Duration(n) < tooFast:
		c.syncs, c.slow = hasty, slow{}
	case each <= tooSlow:
		c.slow = slow{}
		if c.syncs == thorough {
			c.syncs = unknown
		}
	case now.Add(-took).Before(c.slow.ended): // both waited for the same
	default:
		c.slow.n, c.slow.each, c.slow.ended = c.slow.n+1, each, now
		switch {
		case c.syncs == thorough:
		case c.slow.n < sureSlow:
			c.syncs = unknown
		default:
			c.syncs, c.slow.tried = thorough, now
		}
	}
}

// way is what a chain of very few messages takes at least: that much of what a longer one takes
// is the way to the server and back.
func (c *costs) way() (least time.Duration) {
	for i := range 2 {
		if is := c.sizes[i].chain.is(); is > 0 && (least == 0 || is < least) {
			least = is
		}
	}
	return least
}

// tryThorough tells whether it is time to try again whether n messages are sooner stored as a
// chain, by a server that seems to sync. What takes long is not tried.
func (c *costs) tryThorough(n int) bool {
	every := tryUnsure
	if c.slow.trials > 0 {
		every = trySeldom
	}
	now := c.now()
	if now.Sub(c.slow.tried) < every || c.slow.each*time.Duration(n) > longest {
		return false
	}
	c.slow.tried, c.slow.trials = now, c.slow.trials+1
	return true
}

// syncsEach tells whether the server is known to sync each message that it stores, or seems to.
func (c *costs) syncsEach() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.syncs == always || c.syncs == thorough
}

// Syncs tells whether the server syncs each message that it stores, as far as that is known: who
// waits for it waits for the disk.
func (b *Bus) Syncs() bool { return b.costs.syncsEach() }
