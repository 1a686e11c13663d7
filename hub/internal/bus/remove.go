package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// PurgeOld removes all but the last message of a subject.
func (b *Bus) PurgeOld(ctx context.Context, stream, subject string) error {
	last, err := b.Last(ctx, stream, subject)
	if err != nil || last == nil || last.Seq == 1 {
		return err
	}
	return b.Purge(ctx, stream, subject, last.Seq-1)
}

// Delete removes one message. One that is gone already is no error. Purging up to
// a sequence is some 25 times faster a message.
func (b *Bus) Delete(ctx context.Context, stream string, seq uint64) error {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", stream, err)
	}
	if b.account != nil {
		if err := b.account.Deleting(stream, seq); err != nil {
			return fmt.Errorf("delete %d of %s: %w", seq, stream, err)
		}
	}
	err = s.DeleteMsg(ctx, seq)
	b.removed(stream, seq, seq)
	if err == nil {
		return nil
	}
	// The server has several ways to say that there is nothing to delete: another
	// deletion, a purge or an expiry was sooner. It is asked, not guessed at.
	if _, look := s.GetMsg(ctx, seq); errors.Is(look, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("delete %d of %s: %w", seq, stream, err)
}

// Often is Read for the hub's own use, again and again: it leaves nothing behind
// on the server.
func (b *Bus) Often(ctx context.Context, stream string, from uint64, filters []string, fn func(*event.Message) error) error {
	return b.readAs(ctx, stream, readConfig(from, filters), false, true, fn)
}

// Headers is Often without the data of the messages.
func (b *Bus) Headers(ctx context.Context, stream string, from uint64, filters []string, fn func(*event.Message) error) error {
	cfg := readConfig(from, filters)
	cfg.HeadersOnly = true
	return b.readAs(ctx, stream, cfg, false, true, fn)
}

// Size tells how many messages a stream holds, and how many bytes they take.
func (b *Bus) Size(ctx context.Context, stream string) (messages, bytes uint64, err error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return 0, 0, fmt.Errorf("look at stream %s: %w", stream, err)
	}
	state := s.CachedInfo().State
	return state.Msgs, state.Bytes, nil
}

// Box is a mailbox as its stream sees it.
type Box struct {
	Filter string // of its copies in OUT
	// Floor is the sequence in OUT up to which all is acknowledged; the first
	// copy behind it is not.
	Floor uint64
	// Waiting counts the copies that are not acknowledged.
	Waiting uint64
}

// Boxes gives the mailboxes that exist, by the name of the consumer, also those
// of applications that have left the directory.
func (b *Bus) Boxes(ctx context.Context) (map[string]Box, error) {
	s, err := b.js.Stream(ctx, Out)
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", Out, err)
	}
	out := map[string]Box{}
	list := s.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Durable != "" {
			out[info.Name] = Box{Filter: info.Config.FilterSubject, Floor: info.AckFloor.Stream, Waiting: info.NumPending + uint64(max(info.NumAckPending, 0))}
		}
	}
	return out, list.Err()
}
