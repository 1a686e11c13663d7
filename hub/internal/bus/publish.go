package bus

import (
	"context"
	"fmt"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Publish stores one message and returns its sequence once it is synced.
func (b *Bus) Publish(ctx context.Context, m event.Message) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	ack, err := b.js.PublishMsg(ctx, natsMsg(&m))
	if err != nil {
		return 0, fmt.Errorf("publish to %s: %w", m.Subject, meaning(err))
	}
	return ack.Sequence, nil
}
