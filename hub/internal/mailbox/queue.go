package mailbox

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// queue is one key at work. One goroutine works it, and does all that concerns
// the key: delivers, parks, releases, returns.
type queue struct {
	token   string
	waiting []*bus.Copy    // in hand; the first is being delivered
	failing bool           // its last attempt failed
	beyond  *event.Message // a copy that is not in hand, to be tried once (beyond.go)
	acts    []*act         // asked for by a person
	wake    chan struct{}  // something came while it waits
	try     try            // of the first
	turn    *turn          // to go to the sink; nil: not needed
}

// try is what is known of the attempts to deliver the first of a key.
type try struct {
	attempt int
	err     error     // of the last attempt
	since   time.Time // the first failure
	done    uint64    // copies that the mailbox had delivered then
	next    time.Time // when the next attempt is due
}

func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// queue finds a key's queue or begins to work on one. It is called with mu
// held.
func (b *Mailbox) queue(ctx context.Context, token string) *queue {
	q := b.keys[token]
	if q == nil {
		q = &queue{token: token, wake: make(chan struct{}, 1)}
		b.keys[token] = q
		b.wg.Go(func() {
			for step := b.next(ctx, q); step != nil; step = b.next(ctx, q) {
				step()
			}
		})
	}
	return q
}

// next says what is to be done for a key; nil ends the work on it.
func (b *Mailbox) next(ctx context.Context, q *queue) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.parked[q.token]
	switch {
	case ctx.Err() != nil:
	case len(q.acts) > 0:
		a := q.acts[0]
		q.acts = q.acts[1:]
		return func() { b.act(ctx, q, p, a) }
	case p != nil && len(q.waiting) > 0 && p.underway != decision.ActReturn:
		copies := q.waiting
		q.waiting = nil
		return func() { b.park(ctx, p, copies) }
	case p != nil && p.underway == decision.ActRelease:
		return func() { b.handOutParked(ctx, q, p) }
	case p != nil && p.underway == decision.ActReturn:
		return func() { b.giveBack(ctx, q, p) }
	case p == nil && q.beyond != nil:
		m := q.beyond
		q.beyond = nil
		return func() { b.tryBeyond(ctx, q, m) }
	case p == nil && len(q.waiting) > 0:
		c := q.waiting[0]
		return func() { b.handOut(ctx, q, c) }
	}
	delete(b.keys, q.token)
	for _, a := range q.acts {
		a.done <- errEnding
	}
	return nil
}

// handOut brings the first copy of a key one step further.
func (b *Mailbox) handOut(ctx context.Context, q *queue, c *bus.Copy) {
	if !b.turn(ctx, q, c.Seq) {
		return
	}
	defer q.turn.leave()
	free := b.Hands.Take(ctx, b.Application, c.Seq)
	defer free()
	if b.Index.IsDone(b.Application, c.Seq) {
		b.release(ctx, c.Seq)
		b.shift(q)
		return
	}
	if q.try.attempt == 0 { // JetStream remembers those before a restart
		q.try.attempt = max(c.Deliveries, 1) - 1
	}
	verdict, err := b.attempt(ctx, q, c.Message)
	switch {
	case ctx.Err() != nil:
	case verdict == settle.Again:
		free() // it may expire while it waits
		if q.failing {
			b.lookBeyond(ctx, q)
		}
		b.pause(ctx, q)
	case verdict == settle.Park:
		b.beginParking(q, c, err)
	case b.settled(ctx, c.Message, q.try.attempt, err):
		b.release(ctx, c.Seq)
		b.shift(q)
	}
}

// shift goes on to the next copy of a key.
func (b *Mailbox) shift(q *queue) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q.waiting = q.waiting[1:]
	q.try, q.failing = try{}, false
}

// attempt delivers if that is due, and judges what is known then. The copy is in
// the caller's hand.
func (b *Mailbox) attempt(ctx context.Context, q *queue, m *event.Message) (settle.Verdict, error) {
	t := &q.try
	due := t.due()
	if due {
		if ctx.Err() != nil {
			return settle.Again, nil
		}
		q.turn.spend()
		err := b.deliver(ctx, m, t.attempt+1)
		if ctx.Err() != nil {
			return settle.Again, nil
		}
		if f := hub.FaultOf(err); f != nil && f.Later {
			t.next = time.Now().Add(f.After)
			b.Attempts.plan(m, t.next)
			return settle.Again, err
		}
		t.attempt++
		b.note(q, err)
	} else if t.err == nil {
		return settle.Again, nil // it was put off before its first attempt
	}
	next := settle.Settle(b.judge(q))
	if due && next.Verdict == settle.Again {
		t.next = time.Now().Add(next.After)
		b.Log.Warn("delivery failed; trying again", zap.Uint64("out", m.Seq), zap.Int("attempt", t.attempt),
			zap.Duration("after", next.After), zap.String("fault", hub.FaultOf(t.err).Code), zap.Error(t.err))
	}
	b.tried(t, m, due, next.Verdict)
	return next.Verdict, t.err
}

// note keeps what an attempt came back with.
func (b *Mailbox) note(q *queue, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := &q.try
	t.err, q.failing = err, err != nil
	switch {
	case err == nil:
		b.done++
	case t.since.IsZero():
		t.since, t.done = time.Now(), b.done
	}
}

// judge gathers what the decision needs to know.
func (b *Mailbox) judge(q *queue) settle.Try {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := settle.Try{Err: q.try.err, Attempt: q.try.attempt, Jitter: settle.Jitter(), Budget: b.Budget}
	if !q.try.since.IsZero() {
		t.Lasted = time.Since(q.try.since)
		t.Alone = b.done == q.try.done // while a key fails, it counts no success itself
		t.Crowded = b.crowded(q)
	}
	return t
}

// crowded tells whether failing keys take more than half of the places in hand,
// and this one no less than its share of that. It is called with mu held.
func (b *Mailbox) crowded(q *queue) bool {
	keys, stuck := 0, 0
	for _, other := range b.keys {
		if other.failing {
			keys++
			stuck += len(other.waiting)
		}
	}
	return stuck > b.places/2 && len(q.waiting)*keys >= stuck
}

// pause waits until the next attempt is due, or something else is to be done.
func (b *Mailbox) pause(ctx context.Context, q *queue) {
	t := time.NewTimer(time.Until(q.try.next))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-q.wake:
	}
}
