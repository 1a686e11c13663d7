package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Publish stores one message and returns its sequence once it is synced.
func (b *Bus) Publish(ctx context.Context, m event.Message) (uint64, error) {
	return b.publish(ctx, &m)
}

func (b *Bus) publish(ctx context.Context, m *event.Message, opts ...jetstream.PublishOpt) (uint64, error) {
	if free := b.turns.among(m.Subject); free != nil {
		defer free()
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	connection, _ := b.connection()
	var out outgoing
	ack, err := b.js.PublishMsg(ctx, out.of(m), opts...)
	if err != nil {
		return 0, fmt.Errorf("publish to %s: %w", m.Subject, meaning(err))
	}
	b.stored(connection, ack.Stream, ack.Sequence, []event.Message{*m})
	return ack.Sequence, nil
}

// FitsIn tells whether m is small enough for an in stream.
func FitsIn(m *event.Message) bool {
	n := len(m.Data) + len("NATS/1.0\r\n\r\n")
	for name, values := range m.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n+batchHeaders <= maxIn
}

// batchHeaders is what a message carries more when it is part of a batch.
const batchHeaders = 256
