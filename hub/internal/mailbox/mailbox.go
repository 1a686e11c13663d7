// Package mailbox hands out what lies in the mailbox of a receiving application
// to a sink: at least once, in order per key, one event a key at a time. A
// retry holds back only its own key; when it has lasted too long, or what waits
// behind it keeps other keys from their turn, the key is parked (park.go).
// Outcomes are recorded in the trail before the copy leaves the mailbox.
package mailbox

import (
	"cmp"
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// Mailbox hands out one receiver's copies.
type Mailbox struct {
	Application string // <organisation>.<application>
	Sink        hub.Sink
	Bus         *bus.Bus
	Blobs       *bus.Blobs
	Index       *index.Index
	Recorder    *Recorder
	// Hands is shared by all mailboxes and what takes copies out; nil when nothing
	// does.
	Hands *Hands
	// Attempts is shared as well; nil: they are not noted.
	Attempts *Attempts
	Log      *zap.Logger
	// Budget is how long a copy may fail before its key is parked; zero is
	// settle.DefaultBudget.
	Budget settle.Budget
	// Turns holds copies back until the sink is ready; nil: it always is.
	Turns *Turnstile
	// Concurrent is how many keys are handed out at a time, Large how many copies of
	// more than 64 KiB among them; 0 is the default.
	Concurrent, Large int
	// Confirmed, if not nil, is told of a delivery, by its id, whose outcome is in
	// the trail; SetAside of a key that is parked.
	Confirmed func(delivery string)
	SetAside  func(token, code string, attempts int)

	slots  chan struct{} // bounds concurrent deliveries
	large  chan struct{} // and those of large copies
	places int           // copies that can be in hand
	crash  func(string)  // tests only
	wg     sync.WaitGroup

	mu      sync.Mutex
	keys    map[string]*queue     // what is being worked on, by key token
	held    map[uint64]*bus.Copy  // what is in hand, by sequence in OUT
	parked  map[string]*parkedKey // keys that are parked
	asked   chan *act             // what a person asks for; nil until it is known what is parked
	done    uint64                // copies delivered
	looking bool                  // one looks beyond the hand
	looked  int                   // how often
}

// concurrent is how many keys are delivered at the same time unless a mailbox says
// else.
const concurrent = 16

const (
	maxWait = 15 * time.Second // between tries at the hub's own server
	settled = time.Minute      // what ran so long did not fail at once
)

// Run hands out until ctx ends and then waits for deliveries underway.
func (b *Mailbox) Run(ctx context.Context) error {
	if b.Budget == (settle.Budget{}) {
		b.Budget = settle.DefaultBudget
	}
	if b.Hands == nil {
		b.Hands = NewHands()
	}
	b.slots = make(chan struct{}, cmp.Or(b.Concurrent, concurrent))
	b.large = make(chan struct{}, cmp.Or(b.Large, largeAtOnce))
	b.mu.Lock()
	b.keys, b.held = map[string]*queue{}, map[uint64]*bus.Copy{}
	b.mu.Unlock()
	defer b.wg.Wait()
	// what the mailbox before had on its way to the trail is an outcome
	if !b.untilDone(ctx, func() error { return b.Recorder.Flush(ctx) }) {
		return nil
	}
	// before anything is handed out: a copy of a parked key must not overtake
	if !b.untilDone(ctx, func() error { return b.open(ctx) }) {
		return nil
	}
	b.wg.Go(func() { b.hold(ctx) })
	b.wg.Go(func() { b.listen(ctx) })
	for attempt := 1; ctx.Err() == nil; attempt++ {
		began := time.Now()
		err := b.Bus.HandOut(ctx, b.Application, func(c *bus.Copy) { b.take(ctx, c) })
		if err == nil || ctx.Err() != nil {
			break
		}
		if time.Since(began) > settled {
			attempt = 1
		}
		b.Log.Warn("mailbox broke off; opening it again", zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
	return nil
}

// take puts a copy into its key's queue. A copy that is in hand already (it can
// be handed out again after a broken connection) is not taken twice.
func (b *Mailbox) take(ctx context.Context, c *bus.Copy) {
	c.Message = lean(c.Message)
	b.mu.Lock()
	defer b.mu.Unlock()
	_, twice := b.held[c.Seq]
	b.held[c.Seq] = c // the newer one can acknowledge
	if twice {
		return
	}
	q := b.queue(ctx, tokenOf(c.Message))
	q.waiting = append(q.waiting, c)
	q.rouse()
}

func tokenOf(m *event.Message) string {
	return event.KeyToken(m.KeyOf())
}

// hold keeps what is in hand from being handed out again, and lets the index
// forget what JetStream will not hand out any more.
func (b *Mailbox) hold(ctx context.Context) {
	tick := time.NewTicker(bus.AckWait / 3)
	defer tick.Stop()
	for {
		b.forget(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		b.mu.Lock()
		for _, c := range b.held {
			if err := c.Hold(); err != nil {
				b.Log.Debug("hold", zap.Uint64("out", c.Seq), zap.Error(err))
			}
		}
		b.mu.Unlock()
		b.rouseDone()
	}
}

func (b *Mailbox) forget(ctx context.Context) {
	at, err := b.Bus.Mailbox(ctx, b.Application)
	if err != nil {
		b.Log.Debug("mailbox floor", zap.Error(err))
		return
	}
	b.Index.Floor(b.Application, at.Floor)
}

// reach lets a test end the mailbox at this point, as a crash would, and tells
// whether it did.
func (b *Mailbox) reach(ctx context.Context, point string) bool {
	if b.crash == nil {
		return false
	}
	b.crash(point)
	return ctx.Err() != nil
}
