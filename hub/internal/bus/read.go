package bus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Read gives every message of stream from sequence from on whose subject fits
// one of filters (none: all) to fn, in sequence, up to the last one that was
// there when Read began; then it returns.
func (b *Bus) Read(ctx context.Context, stream string, from uint64, filters []string, fn func(*event.Message) error) error {
	return b.readAs(ctx, stream, readConfig(from, filters), false, false, fn)
}

// Follow is Read without an end: it goes on with what comes until ctx ends, and
// then returns nil.
func (b *Bus) Follow(ctx context.Context, stream string, from uint64, filters []string, fn func(*event.Message) error) error {
	err := b.readAs(ctx, stream, readConfig(from, filters), true, false, fn)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func readConfig(from uint64, filters []string) jetstream.OrderedConsumerConfig {
	return jetstream.OrderedConsumerConfig{
		FilterSubjects:    filters,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(from, 1),
		InactiveThreshold: 30 * time.Second,
	}
}

// readAs reads, and begins again behind what it has as often as the server says
// too early that nothing is left: the count that comes with a message is an
// estimate of a busy server, that of a new consumer is counted.
func (b *Bus) readAs(ctx context.Context, stream string, cfg jetstream.OrderedConsumerConfig, follow, often bool, fn func(*event.Message) error) error {
	last := uint64(math.MaxUint64)
	if !follow {
		var err error
		if last, err = b.LastSeq(ctx, stream); err != nil {
			return err
		}
	}
	for cfg.OptStartSeq <= last {
		next, err := b.readOnce(ctx, stream, cfg, follow, often, last, fn)
		if err != nil || next == 0 {
			return err
		}
		cfg.OptStartSeq = next
	}
	return nil
}

// readOnce reads with one consumer until that says that nothing is left, and
// gives the sequence to go on with; 0 when there was nothing at all.
func (b *Bus) readOnce(ctx context.Context, stream string, cfg jetstream.OrderedConsumerConfig, follow, often bool, last uint64, fn func(*event.Message) error) (uint64, error) {
	cons, err := b.js.OrderedConsumer(ctx, stream, cfg)
	if err != nil {
		return 0, fmt.Errorf("read %s from sequence %d: %w", stream, cfg.OptStartSeq, err)
	}
	if often { // it must not wait for the server to forget it
		defer func() {
			if err := b.js.DeleteConsumer(context.WithoutCancel(ctx), stream, cons.CachedInfo().Name); err != nil {
				b.log.Debug("reading ended", zap.String("stream", stream), zap.Error(err))
			}
		}()
	}
	if !follow && cons.CachedInfo().NumPending == 0 {
		return 0, nil
	}
	it, err := cons.Messages(jetstream.PullMaxMessagesWithBytesLimit(4096, pullBytes), jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(time.Second))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", stream, err)
	}
	defer it.Stop()
	at := cfg.OptStartSeq
	for {
		msg, err := b.nextOf(ctx, it, !follow)
		if errors.Is(err, jetstream.ErrNoHeartbeat) && ctx.Err() == nil {
			continue // the consumer is made anew behind the last message
		}
		if errors.Is(err, errNothing) && ctx.Err() == nil {
			return b.firstOf(ctx, stream, at, cfg.FilterSubjects, last)
		}
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", stream, err)
		}
		m, meta, err := message(msg)
		if err != nil {
			return 0, err
		}
		if !follow && m.Seq > last {
			return m.Seq + 1, nil // it came later
		}
		if err := fn(m); err != nil {
			return 0, err
		}
		at = m.Seq + 1
		if !follow && (m.Seq == last || meta.NumPending == 0) {
			return m.Seq + 1, nil
		}
	}
}

// nothingFor is how long nothing comes before a reading with an end looks whether
// there is anything: what the server has lost it may still count as pending.
const nothingFor = 3 * time.Second

var errNothing = errors.New("nothing has come")

func (b *Bus) nextOf(ctx context.Context, it jetstream.MessagesContext, bounded bool) (jetstream.Msg, error) {
	if !bounded {
		return it.Next(jetstream.NextContext(ctx))
	}
	waiting, cancel := context.WithTimeout(ctx, nothingFor)
	defer cancel()
	msg, err := it.Next(jetstream.NextContext(waiting))
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return nil, errNothing
	}
	return msg, err
}

// firstOf is the sequence of the first message from seq on that fits one of
// filters (none: any); one behind last when there is none up to there.
func (b *Bus) firstOf(ctx context.Context, stream string, seq uint64, filters []string, last uint64) (uint64, error) {
	first := last + 1
	if len(filters) == 0 {
		filters = []string{">"}
	}
	for _, filter := range filters {
		m, err := b.At(ctx, stream, seq, filter)
		if err != nil {
			return 0, err
		}
		if m != nil {
			first = min(first, m.Seq)
		}
	}
	return first, nil
}

func message(msg jetstream.Msg) (*event.Message, *jetstream.MsgMetadata, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return nil, nil, fmt.Errorf("read the place of a message: %w", err)
	}
	return &event.Message{
		Stream: meta.Stream, Seq: meta.Sequence.Stream, Subject: msg.Subject(),
		Header: msg.Headers(), Data: msg.Data(), Time: meta.Timestamp,
	}, meta, nil
}
