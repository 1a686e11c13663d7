package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// ErrNoStream means that a stream is not there.
var ErrNoStream = errors.New("there is no such stream")

// State is how much a stream holds. Limit is how many bytes it may, 0 for any.
type State struct{ Messages, First, Last, Bytes, Limit uint64 }

// State tells how much a stream holds, as the server says.
func (b *Bus) State(ctx context.Context, stream string) (State, error) {
	s, err := b.js.Stream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return State{}, fmt.Errorf("%w: %s", ErrNoStream, stream)
	}
	if err != nil {
		return State{}, fmt.Errorf("look at stream %s: %w", stream, err)
	}
	is := s.CachedInfo().State
	return State{is.Msgs, is.FirstSeq, is.LastSeq, is.Bytes, uint64(max(s.CachedInfo().Config.MaxBytes, 0))}, nil
}

// MakeStream makes a stream whose first message gets sequence first.
func (b *Bus) MakeStream(ctx context.Context, spec StreamSpec, first uint64) error {
	b.removed(spec.Name, 0, Everything)
	cfg := spec.config()
	cfg.FirstSeq = first
	if _, err := b.js.CreateStream(ctx, cfg); err != nil {
		return fmt.Errorf("make stream %s from sequence %d: %w", spec.Name, first, err)
	}
	return nil
}

// RemoveStream removes a stream with all that it holds: only a damaged one that
// is made anew from the ledger.
func (b *Bus) RemoveStream(ctx context.Context, stream string) error {
	defer b.removed(stream, 0, Everything)
	if err := b.js.DeleteStream(ctx, stream); err != nil {
		return fmt.Errorf("remove the damaged stream %s: %w", stream, err)
	}
	return nil
}

// Get gives just the message at seq; nil if it is not there or cannot be read.
func (b *Bus) Get(ctx context.Context, stream string, seq uint64) (*event.Message, error) {
	m, err := b.At(ctx, stream, seq, ">")
	if err != nil || m == nil || m.Seq != seq {
		return nil, err
	}
	return m, nil
}

// Fill stores empty messages at subject until the stream's last sequence is upTo.
func (b *Bus) Fill(ctx context.Context, stream, subject string, upTo uint64) error {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", stream, err)
	}
	info := s.CachedInfo()
	for last := info.State.LastSeq; last < upTo; {
		n := 1
		if info.Config.AllowAtomicPublish {
			n = int(min(upTo-last, MaxBatch))
		}
		msgs := make([]event.Message, n)
		for i := range msgs {
			msgs[i].Subject = subject
		}
		if n == 1 {
			if last, err = b.Publish(ctx, msgs[0]); err != nil {
				return fmt.Errorf("fill stream %s: %w", stream, err)
			}
			continue
		}
		first, err := b.AppendUnguarded(ctx, msgs)
		if err != nil {
			return fmt.Errorf("fill stream %s: %w", stream, err)
		}
		last = first + uint64(n) - 1
	}
	return nil
}
