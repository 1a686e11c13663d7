// Package desk hands out what lies in a mailbox of mode http: an application
// leases events, works on them and settles each; or it keeps a stream open and
// settles what comes. It is a hub.Sink whose Deliver ends when the client has
// settled, so order per key, parking, and the record of outcomes are the mailbox's.
//
// Copies wait at the mailbox's turnstile until a client asks: waiting is no attempt,
// and they can expire meanwhile.
package desk

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

// AtOnce is how many events of an application can be leased at the same time, and
// Large how many of more than 64 KiB among them.
const (
	AtOnce = 1000
	Large  = 16
	// Requests is how many may wait for events of an application or stream them at
	// the same time.
	Requests = 64
)

// Desk is where one application leases and settles.
type Desk struct {
	Application string
	Turns       *mailbox.Turnstile

	stopped chan struct{}
	mu      sync.Mutex
	clients []*Client         // who wants more, in the order in which they asked
	leases  map[string]*Lease // by token; settled ones for a while
	kept    []string          // tokens of what was settled last, oldest first
	open    map[string]*Lease // settled and not yet in the trail, by delivery id
	asking  int               // requests underway
}

var _ hub.Sink = (*Desk)(nil)

// New makes a desk whose mailbox has a turnstile of its own.
func New(application string) *Desk {
	return &Desk{
		Application: application, Turns: &mailbox.Turnstile{},
		stopped: make(chan struct{}), leases: map[string]*Lease{}, open: map[string]*Lease{},
	}
}

// Run lets clients wait until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	<-ctx.Done()
	close(d.stopped)
	return nil
}

// Client is one request for events, or a stream.
type Client struct {
	// C gives what was leased.
	C chan *Lease

	desk   *Desk
	want   int // how many more
	stream bool
	lease  time.Duration
}

// Ask queues for up to n events, each leased for so long. A stream gets another one
// for each that is settled. Close must follow.
func (d *Desk) Ask(n int, lease time.Duration, stream bool) *Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &Client{C: make(chan *Lease, n), desk: d, want: n, stream: stream, lease: lease}
	d.clients = append(d.clients, c)
	d.Turns.Add(n)
	return c
}

// Close ends the asking. With back, what the client has not settled goes back at
// once: it has never got it, or is gone.
func (c *Client) Close(back bool) {
	d := c.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, one := range d.clients {
		if one == c {
			d.clients = append(d.clients[:i], d.clients[i+1:]...)
			break
		}
	}
	c.want, c.stream = 0, false
	d.count()
	if !back {
		return
	}
	for _, l := range d.leases {
		if l.of == c {
			d.end(l, "", hub.Retryable("not-settled", "the client is gone"))
		}
	}
}

// room is how many more the client can be given now. A stream that is not read still
// holds leases that have ended. It is called with mu held.
func (c *Client) room() int { return min(c.want, cap(c.C)-len(c.C)) }

// taken lets one more through, if the lease that was taken from the channel had its
// room.
func (d *Desk) taken(c *Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.want >= cap(c.C)-len(c.C) {
		d.Turns.Add(1)
	}
}

// enter counts a request; false when there are too many. leave must follow.
func (d *Desk) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asking >= Requests {
		return false
	}
	d.asking++
	return true
}

func (d *Desk) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asking--
}

// errNobody: who asked is gone meanwhile; the copy waits for the next.
var errNobody = &hub.Fault{Code: "nobody-asks", Later: true}

// Deliver implements hub.Sink: it gives the event to the first who asked, and ends
// when that is settled or the lease is lost.
func (d *Desk) Deliver(ctx context.Context, one hub.Delivery) error {
	l := d.give(one)
	if l == nil {
		return errNobody
	}
	select {
	case <-l.ended:
		return l.err
	case <-ctx.Done():
		d.mu.Lock()
		defer d.mu.Unlock()
		d.end(l, "", ctx.Err())
		return l.err
	}
}

func (d *Desk) give(one hub.Delivery) *Lease {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.clients {
		if c.room() == 0 {
			continue
		}
		c.want--
		l := &Lease{
			Token: rand.Text(), Until: time.Now().Add(c.lease), Delivery: one, of: c,
			ended: make(chan struct{}), recorded: make(chan struct{}),
		}
		l.timer = time.AfterFunc(c.lease, func() { d.lapse(l) })
		d.leases[l.Token] = l
		c.C <- l // has room: nobody else sends
		return l
	}
	return nil
}

// recount lets as many through as are wanted: a turn can be lost to a copy that
// could not be read.
func (d *Desk) recount() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count()
}

// count is called with mu held.
func (d *Desk) count() {
	n := 0
	for _, c := range d.clients {
		n += c.room()
	}
	d.Turns.Set(n)
}

// Confirmed hears that the outcome of a delivery is in the trail.
func (d *Desk) Confirmed(delivery string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.open[delivery]; l != nil {
		delete(d.open, delivery)
		close(l.recorded)
	}
}

// Leased tells how many events are in clients' hands.
func (d *Desk) Leased() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.leases {
		if l.settled == "" {
			n++
		}
	}
	return n
}
