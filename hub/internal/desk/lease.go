package desk

import (
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// What was settled is remembered, so that a client that lost the answer can ask
// again: until its lease would have ended, but no longer than keepTime, and no more
// than keepMost of a desk.
const (
	keepTime = time.Minute
	keepMost = 10_000
)

// Lease is one event in a client's hand.
type Lease struct {
	Token    string
	Until    time.Time
	Delivery hub.Delivery // of a settled one only the id

	of       *Client // nil: it has ended
	timer    *time.Timer
	settled  Result        // "": open
	err      error         // what Deliver gives
	ended    chan struct{} // closed when it is settled or lost
	recorded chan struct{} // closed when the outcome is in the trail
}

// over tells whether the lease is settled or lost.
func (l *Lease) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// lapse ends a lease whose time is over; of a settled one the token is forgotten.
func (d *Desk) lapse(l *Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.settled != "" {
		delete(d.leases, l.Token)
		return
	}
	if left := time.Until(l.Until); left > 0 { // extended at the last moment
		l.timer.Reset(left)
		return
	}
	d.end(l, "", hub.Retryable("lease-lost", "the client did not settle in time"))
}

// end is called with mu held.
func (d *Desk) end(l *Lease, settled Result, err error) {
	if l.settled != "" || l.err != nil {
		return
	}
	l.settled, l.err = settled, err
	close(l.ended)
	if settled == "" {
		l.timer.Stop()
		delete(d.leases, l.Token)
	} else {
		d.keep(l)
	}
	if c := l.of; c.stream {
		before := c.room()
		c.want++
		d.Turns.Add(c.room() - before)
	}
	l.of = nil
}

// keep remembers what was settled, without its event. It is called with mu held.
func (d *Desk) keep(l *Lease) {
	if l.settled != ResultLater {
		d.open[l.Delivery.ID] = l
	}
	l.Delivery = hub.Delivery{ID: l.Delivery.ID}
	l.timer.Reset(min(time.Until(l.Until), keepTime))
	d.kept = append(d.kept, l.Token)
	for ; len(d.kept) > keepMost; d.kept = d.kept[1:] {
		if old := d.leases[d.kept[0]]; old != nil {
			old.timer.Stop()
			delete(d.leases, d.kept[0])
		}
	}
}
