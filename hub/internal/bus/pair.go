package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Link is a chain of a pair.
type Link struct {
	Msgs  []event.Message
	Guard Guard
	First uint64 // sequence of the first message, once all are stored
	Err   error  // why it is not known that they are; as of Chain
}

// Pair stores two chains in two of the hub's own streams at the same time. Either may be
// stored without the other: their errors tell, as those of Chain do; its own is nil if both
// are. Of two pairs the streams must come in the same order. What is on its way is waited for,
// Timeout at most for each try, also when ctx ends: so to stop the hub leaves no half by itself.
func (b *Bus) Pair(ctx context.Context, one, other *Link) error {
	rest, err := b.begin(ctx, one, other)
	if err != nil {
		return err
	}
	return rest()
}

// PairAhead is Pair that does not wait for one once other is stored: rest does, and gives what
// became of it. After an error both were waited for.
func (b *Bus) PairAhead(ctx context.Context, one, other *Link) (rest func() error, err error) {
	finish, err := b.begin(ctx, one, other)
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- finish() }() // whatever the caller does: nobody else writes to the stream of one until then
	return func() error { return <-ended }, nil
}

// begin stores other, and gives what must be called to wait for one. After an error it has been.
func (b *Bus) begin(ctx context.Context, one, other *Link) (finish func() error, err error) {
	done, err := b.ahead.write(ctx, one.Msgs, other.Msgs)
	if err != nil {
		err = fmt.Errorf("append %d messages: %w", len(one.Msgs)+len(other.Msgs), err)
		one.Err, other.Err = err, err
		return nil, err
	}
	free, freeOther := b.turns.alone(one.Msgs[0].Subject), b.turns.alone(other.Msgs[0].Subject)
	if err := ctx.Err(); err != nil { // their turn has come too late
		freeOther()
		free()
		done()
		one.Err, other.Err = err, err
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	began := time.Now()
	first, second := b.publishLink(one), b.publishLink(other)
	finish = func() error {
		defer done()
		defer free()
		one.Err = b.stores(ctx, first)
		err := errors.Join(one.Err, other.Err)
		switch {
		case errors.Is(err, ErrUnclear):
			b.costs.broke(len(one.Msgs), time.Since(began))
		case err == nil:
			b.costs.paired(len(one.Msgs), time.Since(began))
		}
		return err
	}
	other.Err = b.stores(ctx, second)
	freeOther()
	if other.Err != nil {
		return nil, finish()
	}
	return finish, nil
}

// underway is a link on its way.
type underway struct {
	*Link
	chain           chain
	sent            *sent
	err             error
	stream          string
	end, connection uint64
	sure            bool // that the guard holds while end is the last sequence of the stream
}

// publishLink publishes a link behind what its guard asks for, or what says the same for less (see
// known). It is called in the turn of its stream.
func (b *Bus) publishLink(l *Link) *underway {
	s := &underway{Link: l, chain: b.chains.begin(), stream: ownStream(l.Msgs[0].Subject)}
	s.end, s.connection, s.sure = b.sure(s.stream, l.Guard)
	var guard func(*nats.Msg)
	if guard = l.Guard.put; s.sure {
		guard = behind(s.end)
	}
	s.sent, s.err = b.send(&s.chain, l.Msgs, guard)
	return s
}

// stores waits for what became of a link. If the end of the stream was another, and nothing
// is stored, the guard itself is asked.
func (b *Bus) stores(ctx context.Context, s *underway) (err error) {
	if err = s.err; err == nil {
		s.First, err = b.became(ctx, s.sent)
	}
	if s.sure && errors.Is(err, ErrFenced) {
		b.known.forget(s.stream, s.end)
		c := b.chains.begin()
		s.First, err = b.guarded(ctx, &c, s.Msgs, s.Guard)
	} else if err == nil {
		b.stored(s.connection, s.chain.stream, s.First, s.Msgs)
		if !s.sure {
			b.learn(s.stream, s.connection, s.Guard, s.First, s.Msgs)
		}
	}
	if err != nil {
		return fmt.Errorf("chain %d messages for %s: %w", len(s.Msgs), s.Msgs[0].Subject, err)
	}
	return nil
}

// Pairs tells whether Pair is sooner than one chain after the other, also for who waits for both:
// the server syncs nothing, so that one message more costs little.
func (b *Bus) Pairs(n int) bool { return b.costs.pairs(n) }

// Holds tells whether chains of n messages do not break, as far as was seen, and there is room.
func (b *Bus) Holds(n int) bool { return b.costs.holds(n) }

// Idle tells whether nobody of this instance is storing a chain or a batch in the stream that a
// subject belongs to: who comes now need not wait for his turn.
func (b *Bus) Idle(subject string) bool {
	turn := b.turns.of(subject)
	if turn == nil || !turn.TryLock() {
		return turn == nil
	}
	turn.Unlock()
	return true
}
