package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// AckWait is how long a copy may be held without a sign of life.
const AckWait = 30 * time.Second

// EnsureMailbox makes the durable consumer of a receiving application. Its name
// and filter never change.
func (b *Bus) EnsureMailbox(ctx context.Context, application string, maxAckPending int) error {
	_, err := b.ensureConsumer(ctx, Out, mailboxConfig(application, maxAckPending))
	return err
}

func mailboxConfig(application string, maxAckPending int) jetstream.ConsumerConfig {
	name := decision.MailboxName(application)
	return jetstream.ConsumerConfig{
		Name: name, Durable: name,
		FilterSubject: "out." + application + ".>",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       AckWait,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		ReplayPolicy:  jetstream.ReplayInstantPolicy,
		MaxDeliver:    -1, // the hub counts attempts
		MaxAckPending: maxAckPending,
	}
}

// Copy is a copy in hand: it stays in hand until it is acknowledged, as long as
// Hold is called more often than every AckWait.
type Copy struct {
	*event.Message
	// Deliveries counts how often JetStream has handed it out, from 1. Of copies that
	// were handed out before the mailbox was opened it is known that it was once at
	// least.
	Deliveries int
	// where to say what becomes of it; the message that it came in is not kept, so
	// that a caller can let go of its data
	reply string
	nc    *nats.Conn
}

// Hold tells JetStream that the copy is still being worked on.
func (c *Copy) Hold() error { return c.nc.Publish(c.reply, []byte("+WPI")) }

// Ack removes the copy from the mailbox and waits for the confirmation.
func (c *Copy) Ack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := c.nc.RequestWithContext(ctx, c.reply, []byte("+ACK"))
	return err
}

// Mailboxes tells how many copies wait in each mailbox that exists, by the name
// of its consumer.
func (b *Bus) Mailboxes(ctx context.Context) (map[string]uint64, error) {
	s, err := b.js.Stream(ctx, Out)
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", Out, err)
	}
	out := map[string]uint64{}
	list := s.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Durable != "" {
			out[info.Name] = info.NumPending + uint64(max(info.NumAckPending, 0))
		}
	}
	return out, list.Err()
}

// MailboxState is how far a mailbox is.
type MailboxState struct {
	// Floor is the sequence in OUT at and below which nothing is left to hand
	// out.
	Floor uint64
	// Delivered is the sequence up to which copies were handed out.
	Delivered uint64
	// Places is how many copies can be in hand at a time.
	Places int
}

// Mailbox tells how far a mailbox is.
func (b *Bus) Mailbox(ctx context.Context, application string) (MailboxState, error) {
	cons, err := b.js.Consumer(ctx, Out, decision.MailboxName(application))
	if err != nil {
		return MailboxState{}, fmt.Errorf("look at mailbox %s: %w", application, err)
	}
	info := cons.CachedInfo()
	return MailboxState{Floor: info.AckFloor.Stream, Delivered: info.Delivered.Stream, Places: info.Config.MaxAckPending}, nil
}

// RewindMailbox makes a mailbox hand out again from sequence seq of OUT, also
// what was acknowledged: for replays and tests.
func (b *Bus) RewindMailbox(ctx context.Context, application string, seq uint64) error {
	s, err := b.js.Stream(ctx, Out)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", Out, err)
	}
	before, err := b.Mailbox(ctx, application)
	if err != nil {
		return err
	}
	b.handed.upTo(application, before.Delivered)
	if _, err := s.ResetConsumerToSequence(ctx, decision.MailboxName(application), seq); err != nil {
		return fmt.Errorf("set mailbox %s back to sequence %d: %w", application, seq, err)
	}
	return nil
}

// HandOut gives the copies of a mailbox to fn in sequence, beginning behind the
// last acknowledged one, until ctx ends. fn takes the copy in hand and returns;
// it blocks for back-pressure.
func (b *Bus) HandOut(ctx context.Context, application string, fn func(*Copy)) error {
	s, err := b.js.Stream(ctx, Out)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", Out, err)
	}
	name := decision.MailboxName(application)
	before, err := b.Mailbox(ctx, application)
	if err != nil {
		return err
	}
	known := b.handed.upTo(application, before.Delivered)
	// the counts of deliveries are lost by it; without it, copies that a dead owner held would come after newer ones
	if _, err := s.ResetConsumer(ctx, name); err != nil {
		return fmt.Errorf("set mailbox %s back to its last acknowledged copy: %w", application, err)
	}
	cons, err := s.Consumer(ctx, name)
	if err != nil {
		return fmt.Errorf("open mailbox %s: %w", application, err)
	}
	it, err := cons.Messages(jetstream.PullMaxMessagesWithBytesLimit(512, pullBytes), jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		return fmt.Errorf("open mailbox %s: %w", application, err)
	}
	defer it.Stop()
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			continue
		}
		if err != nil {
			return fmt.Errorf("take from mailbox %s: %w", application, err)
		}
		m, meta, err := message(msg)
		if err != nil {
			return err
		}
		times := int(min(meta.NumDelivered, 1<<30))
		if m.Seq <= known {
			times++
		}
		fn(&Copy{Message: m, Deliveries: times, reply: msg.Reply(), nc: b.nc})
	}
}

// handed remembers up to where copies of each mailbox were handed out: JetStream
// forgets it when a mailbox is set back.
type handed struct {
	mu sync.Mutex
	to map[string]uint64
}

// upTo takes what JetStream knows into account.
func (h *handed) upTo(application string, delivered uint64) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.to == nil {
		h.to = map[string]uint64{}
	}
	h.to[application] = max(h.to[application], delivered)
	return h.to[application]
}
