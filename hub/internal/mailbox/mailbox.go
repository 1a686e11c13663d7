// Package mailbox hands out what lies in the mailbox of a receiving application
// to a sink: at least once, in order per key, one event a key at a time. A
// retry holds back only its own key, until so many copies of it wait that the
// mailbox's limit of copies in hand is reached; parking comes later. Outcomes are recorded in the trail before
// the copy leaves the mailbox.
package mailbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
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
	Log         *zap.Logger

	slots chan struct{} // bounds concurrent deliveries
	mu    sync.Mutex
	keys  map[string]*queue
	held  map[uint64]*bus.Copy
	wg    sync.WaitGroup
}

// concurrent is how many keys are delivered at the same time.
const concurrent = 16

const (
	maxWait = 15 * time.Second // between tries at the hub's own server
	settled = time.Minute      // what ran so long did not fail at once
)

// queue is what waits for one key; its head is being delivered.
type queue struct{ waiting []*bus.Copy }

// Run hands out until ctx ends and then waits for deliveries underway.
func (b *Mailbox) Run(ctx context.Context) error {
	b.slots = make(chan struct{}, concurrent)
	b.keys, b.held = map[string]*queue{}, map[uint64]*bus.Copy{}
	defer b.wg.Wait()
	b.wg.Go(func() { b.hold(ctx) })
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
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, twice := b.held[c.Seq]; twice {
		b.held[c.Seq] = c // the newer one can acknowledge
		return
	}
	b.held[c.Seq] = c
	key := c.Get(event.HeaderKey)
	if q := b.keys[key]; q != nil {
		q.waiting = append(q.waiting, c)
		return
	}
	q := &queue{waiting: []*bus.Copy{c}}
	b.keys[key] = q
	b.wg.Go(func() { b.drain(ctx, key, q) })
}

// drain delivers a key's copies one after the other and ends with the last.
func (b *Mailbox) drain(ctx context.Context, key string, q *queue) {
	for {
		b.mu.Lock()
		if len(q.waiting) == 0 || ctx.Err() != nil {
			delete(b.keys, key)
			b.mu.Unlock()
			return
		}
		c := q.waiting[0]
		q.waiting = q.waiting[1:]
		b.mu.Unlock()
		b.finish(ctx, c)
	}
}

// finish brings one copy to its end, however many attempts that takes.
func (b *Mailbox) finish(ctx context.Context, c *bus.Copy) {
	if b.Index.IsDone(b.Application, c.Seq) {
		b.release(ctx, c.Seq)
		return
	}
	for attempt := max(c.Deliveries, 1); ctx.Err() == nil; attempt++ {
		err := b.deliver(ctx, c, attempt)
		if ctx.Err() != nil {
			return
		}
		next := settle.Settle(err, attempt, settle.Jitter())
		if next.Verdict != settle.Again {
			b.settled(ctx, c, attempt, err)
			return
		}
		b.Log.Warn("delivery failed; trying again", zap.Uint64("out", c.Seq), zap.Int("attempt", attempt),
			zap.Duration("after", next.After), zap.String("fault", hub.FaultOf(err).Code), zap.Error(err))
		settle.Wait(ctx, next.After)
	}
}

// deliver makes one attempt.
func (b *Mailbox) deliver(ctx context.Context, c *bus.Copy, attempt int) (err error) {
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		if p := recover(); p != nil {
			err = hub.Permanent("sink-panic", "the sink failed in a way it did not foresee (%T)", p)
		}
	}()
	e, err := toEvent(c.Message)
	if err != nil {
		return err
	}
	return b.Sink.Deliver(ctx, hub.Delivery{
		ID: c.Get(event.HeaderDelivery), Attempt: attempt, Agreement: c.Get(event.HeaderAgreement),
		Event: *e, Blobs: disclosed{b.Blobs, e.Data()},
	})
}

// settled records the outcome and then lets the copy go.
func (b *Mailbox) settled(ctx context.Context, c *bus.Copy, attempt int, err error) {
	d, fault := b.outcome(c, attempt), hub.FaultOf(err)
	if fault != nil {
		d.Result, d.Code = decision.Refused, fault.Code
		b.Log.Warn("receiver refused a copy", zap.Uint64("out", c.Seq), zap.String("code", fault.Code), zap.Error(fault))
		if !b.untilDone(ctx, func() error { return b.quarantine(ctx, c, fault) }) {
			return
		}
	}
	if b.untilDone(ctx, func() error { return b.Recorder.Record(ctx, d) }) {
		b.release(ctx, c.Seq)
	}
}

func (b *Mailbox) outcome(c *bus.Copy, attempt int) *decision.Delivery {
	seq, _ := strconv.ParseUint(c.Get(event.HeaderSeq), 10, 64)
	return &decision.Delivery{
		Mailbox: b.Application, Out: c.Seq, In: c.Get(event.HeaderIn), Seq: seq, ID: idOf(c.Message),
		Attempt: attempt, Result: decision.Done, At: time.Now().UTC(),
	}
}

// quarantine stores the refused copy whole, once: its subject is its own.
func (b *Mailbox) quarantine(ctx context.Context, c *bus.Copy, fault *hub.Fault) error {
	h := map[string][]string{
		event.HeaderCode: {"RECEIVER_REFUSED"}, event.HeaderKeyword: {fault.Code}, event.HeaderSubject: {c.Subject},
	}
	for name, values := range c.Header {
		h["Original-"+name] = values
	}
	subject := fmt.Sprintf("quarantine.%s.receiver-refused.%d", b.Application, c.Seq)
	_, err := b.Bus.Append(ctx, []event.Message{{Subject: subject, Header: h, Data: c.Data}}, 0)
	if errors.Is(err, bus.ErrFenced) {
		return nil // it lies there already
	}
	return err
}

// untilDone repeats fn until it succeeds; false when ctx ended first.
func (b *Mailbox) untilDone(ctx context.Context, fn func() error) bool {
	for attempt := 1; ; attempt++ {
		err := fn()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		b.Log.Warn("outcome not recorded; trying again", zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, settle.Backoff(attempt, settle.Jitter()))
	}
}

// release acknowledges: what is recorded as done may be handed out again by
// JetStream, but is not delivered again.
func (b *Mailbox) release(ctx context.Context, seq uint64) {
	b.mu.Lock()
	c := b.held[seq]
	delete(b.held, seq)
	b.mu.Unlock()
	if err := c.Ack(ctx); err != nil && ctx.Err() == nil {
		b.Log.Warn("acknowledgement not confirmed", zap.Uint64("out", seq), zap.Error(err))
	}
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
	}
}

func (b *Mailbox) forget(ctx context.Context) {
	floor, err := b.Bus.MailboxFloor(ctx, b.Application)
	if err != nil {
		b.Log.Debug("mailbox floor", zap.Error(err))
		return
	}
	b.Index.Floor(b.Application, floor)
}
