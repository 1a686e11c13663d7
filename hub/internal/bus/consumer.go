package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ensureConsumer makes a durable consumer or compares the one that is there.
func (b *Bus) ensureConsumer(ctx context.Context, stream string, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	cons, err := b.js.Consumer(ctx, stream, cfg.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		if cons, err = b.js.CreateConsumer(ctx, stream, cfg); err != nil {
			return nil, fmt.Errorf("make consumer %s of %s: %w", cfg.Durable, stream, err)
		}
		return cons, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at consumer %s of %s: %w", cfg.Durable, stream, err)
	}
	if drifts := consumerDrift(stream, cfg, cons.CachedInfo().Config); len(drifts) > 0 {
		return nil, DriftError(drifts)
	}
	return cons, nil
}

func consumerDrift(stream string, must, is jetstream.ConsumerConfig) []Drift {
	if must.MaxDeliver == 0 {
		must.MaxDeliver = -1
	}
	var out []Drift
	for _, c := range []struct {
		setting  string
		is, must any
	}{
		{"filter", is.FilterSubject, must.FilterSubject},
		{"filters", len(is.FilterSubjects), len(must.FilterSubjects)},
		{"ack policy", is.AckPolicy.String(), must.AckPolicy.String()},
		{"deliver policy", is.DeliverPolicy.String(), must.DeliverPolicy.String()},
		{"max deliver", is.MaxDeliver, must.MaxDeliver},
		{"max ack pending", must.MaxAckPending != 0 && is.MaxAckPending != must.MaxAckPending, false},
		{"back-off", len(is.BackOff), 0},
		{"inactive threshold", is.InactiveThreshold, time.Duration(0)},
		{"headers only", is.HeadersOnly, false},
		{"pinned TTL", is.PinnedTTL, must.PinnedTTL},
	} {
		if c.is != c.must {
			out = append(out, Drift{Stream: stream + " consumer " + must.Durable, Setting: c.setting, Is: c.is, Must: c.must})
		}
	}
	return out
}
