package mailbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// deliver makes one attempt.
func (b *Mailbox) deliver(ctx context.Context, m *event.Message, attempt int) (err error) {
	leave, err := b.enter(ctx, m)
	if err != nil {
		return err
	}
	defer leave()
	if m, err = b.whole(ctx, m); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = hub.Permanent("sink-panic", "the sink failed in a way it did not foresee (%T)", p)
		}
	}()
	e, err := toEvent(m)
	if err != nil {
		return err
	}
	return b.Sink.Deliver(ctx, hub.Delivery{
		ID: m.Get(event.HeaderDelivery), Attempt: attempt, Agreement: m.Get(event.HeaderAgreement),
		Event: *e, Blobs: disclosed{b.Blobs, e.Data()},
	})
}

// enter waits for a place among the deliveries underway.
func (b *Mailbox) enter(ctx context.Context, m *event.Message) (leave func(), err error) {
	places := []chan struct{}{b.slots}
	if sizeOf(m) > largeAbove {
		places = []chan struct{}{b.large, b.slots}
	}
	for i, place := range places {
		select {
		case place <- struct{}{}:
		case <-ctx.Done():
			for _, taken := range places[:i] {
				<-taken
			}
			return nil, ctx.Err()
		}
	}
	return func() {
		for _, place := range places {
			<-place
		}
	}, nil
}

// settled records the outcome; false when ctx ended first. The copy, at its
// sequence in OUT, may then be let go.
func (b *Mailbox) settled(ctx context.Context, m *event.Message, attempt int, err error) bool {
	fault := hub.FaultOf(err)
	if fault != nil && !b.untilDone(ctx, func() error { return b.refused(ctx, m, fault) }) {
		return false
	}
	return b.recorded(ctx, m, attempt, fault)
}

// refused sets a copy aside that the receiver has refused.
func (b *Mailbox) refused(ctx context.Context, m *event.Message, fault *hub.Fault) error {
	return b.quarantine(ctx, m, refusal.ReceiverRefused, fault.Code)
}

// recorded records the outcome, for which all else is done; false when ctx ended first.
func (b *Mailbox) recorded(ctx context.Context, m *event.Message, attempt int, fault *hub.Fault) bool {
	d := b.outcome(m, attempt)
	if fault == nil && !b.untilDone(ctx, func() (err error) {
		d.Handed, err = b.handed(ctx, m)
		return err
	}) {
		return false
	}
	if fault != nil {
		d.Result, d.Code = decision.Refused, fault.Code
		b.Log.Warn("receiver refused a copy", zap.Uint64("out", m.Seq), zap.String("code", fault.Code), zap.Error(fault))
	}
	if attempt > 1 || fault != nil { // most are taken at once
		d.Attempts = b.Attempts.Of(m.Get(event.HeaderDelivery))
	}
	if !b.untilDone(ctx, func() error { return b.Recorder.Record(ctx, d) }) {
		return false
	}
	if b.Confirmed != nil {
		b.Confirmed(m.Get(event.HeaderDelivery))
	}
	return true
}

func (b *Mailbox) outcome(m *event.Message, attempt int) *decision.Delivery {
	in, seq := m.Of()
	return &decision.Delivery{
		Mailbox: b.Application, Out: m.Seq, In: in, Seq: seq, ID: idOf(m),
		Attempt: attempt, Result: decision.Done, At: time.Now().UTC(), Replay: m.Get(event.HeaderReplay),
	}
}

// quarantine stores a copy that ends here whole, once: its subject is its own.
func (b *Mailbox) quarantine(ctx context.Context, m *event.Message, code refusal.Code, detail string) error {
	m, err := b.whole(ctx, m)
	if err != nil {
		return err
	}
	h := map[string][]string{
		event.HeaderCode: {string(code)}, event.HeaderKeyword: {detail}, event.HeaderSubject: {m.Subject},
	}
	send.Originals(h, m)
	subject := fmt.Sprintf("quarantine.%s.%s.%d", b.Application, code.Token(), m.Seq)
	_, err = b.Bus.Append(ctx, []event.Message{{Subject: subject, Header: h, Data: m.Data}}, 0)
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
		b.Log.Warn("the hub's own server did not take it; trying again", zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
}

// release acknowledges: what is recorded may be handed out again by JetStream,
// but is not delivered again.
func (b *Mailbox) release(ctx context.Context, seq uint64) {
	b.mu.Lock()
	c := b.held[seq]
	delete(b.held, seq)
	b.mu.Unlock()
	if err := c.Ack(ctx); err != nil && ctx.Err() == nil {
		b.Log.Warn("acknowledgement not confirmed", zap.Uint64("out", seq), zap.Error(err))
	}
}
