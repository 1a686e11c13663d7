package bus

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// The work consumer of an in stream (DESIGN §2): pinned to one instance, it
// acknowledges nothing, since the cursor is its memory.
const (
	workName  = "WORK"
	workGroup = "hub"
	pinnedTTL = 3 * time.Second
	pullTime  = time.Second // shorter than pinnedTTL, or the pin moves while its owner lives
	workAhead = 1024        // messages taken ahead at most
	pullIn    = 1024        // asked for at most
	// NextBytes is about how much Next gives at a time, in bytes.
	NextBytes = 8 << 20
)

// Work is one instance's hand on an in stream. Its methods are for one
// goroutine.
type Work struct {
	bus    *Bus
	stream string
	each   func(*event.Message)
	msgs   chan taken
	own    *semaphore.Weighted // what this one may take ahead
	given  int64               // bytes that the last Next gave, still in the budget
	kept   int64               // those that Keep left in use
	late   *time.Timer         // ends the patience of Next; stopped otherwise
	cancel context.CancelFunc
	done   chan struct{}
	// After a Reset what was taken before it is still in the pipe. The consumer
	// counts its deliveries from 1 again, so a count that does not grow begins a
	// new generation; what belongs to an older one is dropped.
	generation atomic.Int64 // of what was taken last; 0: nothing yet
	oldest     int64        // generation that still counts
}

type taken struct {
	*event.Message
	generation int64
	size       int64
}

// Work begins to take from an in stream. Messages come in sequence after a
// Reset; before it, and after a take-over, they may be any, and one that was
// delivered into a broken connection does not come again by itself: so the
// caller compares with its cursor, and calls Reset on a gap. Each of them is given
// to each when it comes, which may be long before its turn; nil: to nobody.
func (b *Bus) Work(ctx context.Context, stream string, each func(*event.Message)) (*Work, error) {
	cfg := jetstream.ConsumerConfig{
		Name: workName, Durable: workName,
		AckPolicy:      jetstream.AckNonePolicy,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		ReplayPolicy:   jetstream.ReplayInstantPolicy,
		PriorityPolicy: jetstream.PriorityPolicyPinned,
		PriorityGroups: []string{workGroup},
		PinnedTTL:      pinnedTTL,
	}
	if _, err := b.ensureConsumer(ctx, stream, cfg); err != nil {
		return nil, err
	}
	run, cancel := context.WithCancel(context.Background())
	w := &Work{
		bus: b, stream: stream, each: each, msgs: make(chan taken, workAhead), cancel: cancel, done: make(chan struct{}),
		own: semaphore.NewWeighted(max(b.ahead.bytes/8, maxIn)), late: time.NewTimer(time.Hour),
	}
	w.late.Stop()
	go w.pull(run)
	return w, nil
}

// pull moves messages into the channel and begins anew when that breaks.
func (w *Work) pull(ctx context.Context) {
	defer close(w.done)
	for ctx.Err() == nil {
		p, err := w.bus.puller(w.stream, workName, pullRequest{
			Batch: pullIn, MaxBytes: pullBytesIn, Expires: pullTime, Heartbeat: pullTime / 2, Group: workGroup,
		})
		if err == nil {
			err = w.drain(ctx, p)
			p.stop()
		}
		if ctx.Err() == nil && err != nil {
			w.bus.log.Warn("work consumer broke off, opening it again", zap.String("stream", w.stream), zap.Error(err))
			wait(ctx, time.Second)
		}
	}
}

func (w *Work) drain(ctx context.Context, p *puller) error {
	last := uint64(math.MaxUint64) // the first one begins a generation
	for {
		msg, err := p.next(ctx)
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read the place of a message: %w", err)
		}
		m := &event.Message{
			Stream: meta.Stream, Seq: meta.Sequence.Stream, Subject: msg.Subject, Header: msg.Header, Data: msg.Data, Time: meta.Timestamp,
		}
		if meta.Sequence.Consumer <= last {
			w.generation.Add(1)
		}
		last = meta.Sequence.Consumer
		if w.each != nil {
			w.each(m)
		}
		t := taken{m, w.generation.Load(), min(sizeOf(m), maxIn)}
		if err := w.reserve(ctx, t.size); err != nil {
			return err
		}
		select {
		case w.msgs <- t:
		case <-ctx.Done():
			w.release(t.size)
			return ctx.Err()
		}
	}
}

// reserve waits until a message fits into what this stream, and all together,
// may hold. Whatever holds some is worked on, so there will be room.
func (w *Work) reserve(ctx context.Context, size int64) error {
	if err := w.own.Acquire(ctx, size); err != nil {
		return err
	}
	if err := w.bus.ahead.sem.Acquire(ctx, size); err != nil {
		w.own.Release(size)
		return err
	}
	return nil
}

func (w *Work) release(size int64) {
	w.bus.ahead.sem.Release(size)
	w.own.Release(size)
}

// Next waits for a message and then takes what is there, at most limit and about
// NextBytes; none when its patience is at an end, perhaps also when ctx has ended meanwhile.
// What it gave before is done with, unless that is kept.
func (w *Work) Next(ctx context.Context, limit int, patience time.Duration) ([]*event.Message, error) {
	w.late.Reset(patience)
	defer w.late.Stop()
	return w.NextWhile(ctx, limit, 1, nil)
}

// NextWhile is Next for enough messages, whose patience ends when a channel is closed: then it
// gives what is there, perhaps nothing.
func (w *Work) NextWhile(ctx context.Context, limit, enough int, until <-chan struct{}) ([]*event.Message, error) {
	w.release(w.given)
	w.given = 0
	return w.collect(ctx, limit, enough, until)
}

// Keep says that what was given last stays in use until Free.
func (w *Work) Keep() { w.kept, w.given = w.kept+w.given, 0 }

// Free says that what was kept is done with.
func (w *Work) Free() {
	w.release(w.kept)
	w.kept = 0
}

func (w *Work) collect(ctx context.Context, limit, enough int, until <-chan struct{}) (batch []*event.Message, err error) {
	for len(batch) < limit && w.given < NextBytes {
		select {
		case m := <-w.msgs:
			batch = w.take(batch, m)
			continue
		default:
		}
		if len(batch) >= enough {
			break
		}
		select {
		case m := <-w.msgs:
			batch = w.take(batch, m)
		case <-until:
			until, enough = nil, 0
		case <-w.late.C:
			return batch, nil
		case <-ctx.Done():
			if len(batch) == 0 {
				err = ctx.Err()
			}
			return batch, err
		}
	}
	return batch, nil
}

func (w *Work) take(batch []*event.Message, m taken) []*event.Message {
	if m.generation < w.oldest {
		w.release(m.size)
		return batch
	}
	w.given += m.size
	return append(batch, m.Message)
}

// Reset makes the messages begin again at sequence seq. What was taken ahead is
// dropped.
func (w *Work) Reset(ctx context.Context, seq uint64) error {
	before := w.generation.Load() // the new one may begin before the answer is here
	s, err := w.bus.js.Stream(ctx, w.stream)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", w.stream, err)
	}
	if _, err := s.ResetConsumerToSequence(ctx, workName, seq); err != nil {
		return fmt.Errorf("set the work consumer of %s to sequence %d: %w", w.stream, seq, err)
	}
	// before the first delivery there was nothing to drop
	if before > 0 {
		w.oldest = before + 1
	}
	return nil
}

// Stop lets go of the stream and waits.
func (w *Work) Stop() {
	w.cancel()
	<-w.done
	w.release(w.kept + w.given)
	w.kept, w.given = 0, 0
	for {
		select {
		case m := <-w.msgs:
			w.release(m.size)
		default:
			return
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
