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
	n    int
	each time.Duration
	at   time.Time // when the last one ended, or was to be tried again
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
	each, now := took/time.Duration(n), c.now()
	switch {
	case each <= tooSlow:
		c.slow = slow{}
		if each < tooFast {
			c.syncs = hasty
		} else if c.syncs == thorough {
			c.syncs = unknown
		}
	case now.Add(-took).Before(c.slow.at): // both waited for the same
	default:
		c.slow = slow{c.slow.n + 1, each, now}
		c.syncs = unknown
		if c.slow.n >= sureSlow {
			c.syncs = thorough
		}
	}
}

// doubts tells whether it is time to try whether the server syncs as it seems to.
func (c *costs) doubts() bool {
	every := tryUnsure
	if c.slow.n > sureSlow {
		every = trySeldom
	}
	now := c.now()
	if now.Sub(c.slow.at) < every {
		return false
	}
	c.slow.at = now
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

