package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// ErrUnclear means that a beginning of a chain is stored, perhaps nothing, perhaps
// all, and that more of it may come until its guard is moved.
var ErrUnclear = errors.New("how much of the chain is stored is not known")

// Guard is what must be true when something is stored: the last message of
// Subject has sequence Last (0: there is none). The zero Guard asks nothing.
type Guard struct {
	Subject string
	Last    uint64
}

// Chain stores messages of one stream, each linked to the one before it: what is
// stored of them is always a beginning, and nothing lies between them. Unlike
// Append it is not all or none, but it needs no staging, which costs the server
// as much as some hundred messages do. The first message is guarded. It
// returns the sequence of the first.
//
// After ErrFenced, ErrStreamFull and ErrNotStaged nothing is stored; after
// ErrUnclear the caller must move the guard before it looks what is.
func (b *Bus) Chain(ctx context.Context, msgs []event.Message, guard Guard) (uint64, error) {
	done, err := b.ahead.write(ctx, msgs)
	if err != nil {
		return 0, fmt.Errorf("append %d messages: %w", len(msgs), err)
	}
	defer done()
	if free := b.turns.alone(msgs[0].Subject); free != nil {
		defer free()
	}
	if ctx.Err() != nil { // its turn has come too late
		return 0, ctx.Err()
	}
	began, c := time.Now(), b.chains.begin()
	first, err := b.guarded(ctx, &c, msgs, guard)
	if err != nil {
		if errors.Is(err, ErrUnclear) {
			b.costs.broke(len(msgs), time.Since(began))
		}
		return 0, fmt.Errorf("chain %d messages for %s: %w", len(msgs), msgs[0].Subject, err)
	}
	b.costs.chained(len(msgs), time.Since(began))
	return first, nil
}

// guarded stores a chain behind what guard asks for, or what says the same for less
// (see known). It is called in the turn of the stream.
func (b *Bus) guarded(ctx context.Context, c *chain, msgs []event.Message, guard Guard) (uint64, error) {
	stream := ownStream(msgs[0].Subject)
	end, connection, sure := b.sure(stream, guard)
	if sure {
		first, err := b.chain(ctx, c, msgs, behind(end))
		if err == nil {
			b.stored(connection, c.stream, first, msgs)
		}
		if !errors.Is(err, ErrFenced) {
			return first, err
		}
		b.known.forget(stream, end) // somebody has written meanwhile; nothing is stored
		*c = b.chains.begin()
	}
	first, err := b.chain(ctx, c, msgs, guard.put)
	if err == nil {
		b.stored(connection, c.stream, first, msgs)
		b.learn(stream, connection, guard, first, msgs)
	}
	return first, err
}

// behind is the guard that a sequence is the last one of its stream.
func behind(last uint64) func(*nats.Msg) {
	return func(m *nats.Msg) {
		m.Header[jetstream.ExpectedLastSeqHeader] = []string{strconv.FormatUint(last, 10)}
	}
}

// chain publishes all, and waits until the last one is stored: it is only behind
// all others. What became of the first one matters when the last one is refused: if
// that is too, nothing is stored.
func (b *Bus) chain(ctx context.Context, c *chain, msgs []event.Message, guard func(*nats.Msg)) (uint64, error) {
	s, err := b.send(c, msgs, guard)
	if err != nil {
		return 0, err
	}
	return b.became(ctx, s)
}

// sent is a chain on its way.
type sent struct {
	chain        *chain
	n            int // messages
	ear          *ear
	begun, ended string // where the answers to the first and the last one go
}

// send publishes all messages of a chain.
func (b *Bus) send(c *chain, msgs []event.Message, guard func(*nats.Msg)) (*sent, error) {
	defer c.end()
	ear, err := b.answers.lend(b.nc)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnclear, err) // nothing is stored, but that is all the same
	}
	s := &sent{chain: c, n: len(msgs), ear: ear, begun: ear.subject(), ended: ear.subject()}
	for i := range msgs {
		m := c.next(&msgs[i])
		switch {
		case i == len(msgs)-1:
			m.Reply = s.ended
		case i == 0:
			m.Reply = s.begun
		}
		if i == 0 {
			guard(m)
		}
		if err := b.nc.PublishMsg(m); err != nil {
			b.answers.giveBack(ear)
			return nil, fmt.Errorf("%w (%w)", ErrUnclear, err)
		}
	}
	return s, nil
}

// became waits for the end of a chain, and gives the sequence of its first message.
func (b *Bus) became(ctx context.Context, s *sent) (uint64, error) {
	defer b.answers.giveBack(s.ear)
	ack, err := s.ear.became(ctx, s.begun, s.ended, s.n == 1)
	if err != nil {
		return 0, err
	}
	s.chain.stream = ack.Stream
	return ack.Sequence + 1 - uint64(s.n), nil //nolint:gosec // a number of messages
}

// Chained tells whether n messages are stored sooner by Chain than by Append.
func (b *Bus) Chained(n int) bool { return b.costs.chain(n) }

// put adds the guard to the first message of a chain.
func (g Guard) put(m *nats.Msg) {
	if g.Subject != "" {
		m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(g.Last, 10)}
		m.Header[jetstream.ExpectedLastSubjSeqSubjHeader] = []string{g.Subject}
	}
}

// chains gives each chain of this instance an id of its own, a short one: each message
// carries it twice, and the server keeps it.
type chains struct {
	instance string
	n        atomic.Uint64
}

func newChains() *chains { return &chains{instance: nuid.New().Next()[:8]} }

func (c *chains) begin() chain { return chain{id: c.instance + strconv.FormatUint(c.n.Add(1), 36)} }

// chain makes the messages of one.
type chain struct {
	outgoing
	borrowed nats.Msg
	lent     nats.Header // of the message made last, if it was lent and has the guard
	place    event.Place // of the message made last, if it was not lent
	id       string
	last     string // id of the message made last
	n        int
	stream   string
}

// next is a message with its place in the chain: the server stores it only if the
// last message of the stream is the one before it in the chain.
func (c *chain) next(m *event.Message) *nats.Msg {
	c.back()
	var room [48]byte
	last, this := c.last, string(strconv.AppendInt(append(append(room[:0], c.id...), '.'), int64(c.n), 10))
	first := c.n == 0
	c.n, c.last = c.n+1, this
	if m.Own == nil {
		out := c.of(m) // which has emptied the header that it uses again
		c.place.Says = 0
		put(&c.place, out.Header, first, last, this)
		return out
	}
	if first { // it gets a guard
		c.lent = m.Header
	}
	put(&m.Own.Place, m.Header, first, last, this)
	c.borrowed = nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}
	return &c.borrowed
}

// put has a header say a place in a chain: only what it does not say at all is set anew.
func put(p *event.Place, h nats.Header, first bool, last, this string) {
	p.Last[0], p.This[0] = last, this
	if p.Says == 0 {
		h[jetstream.MsgIDHeader] = p.This[:]
		p.Says = 1
	}
	switch {
	case first && p.Says > 1:
		delete(h, jetstream.ExpectedLastMsgIDHeader)
		p.Says = 1
	case !first && p.Says == 1:
		h[jetstream.ExpectedLastMsgIDHeader] = p.Last[:]
		p.Says = 2
	}
}

// back takes the guard out of a header that was lent. The place in the chain stays in those
// that are the hub's own: the next one writes over it, and otherwise it is left out (of).
func (c *chain) back() {
	if c.lent != nil {
		delete(c.lent, jetstream.ExpectedLastSeqHeader)
		delete(c.lent, jetstream.ExpectedLastSubjSeqHeader)
		delete(c.lent, jetstream.ExpectedLastSubjSeqSubjHeader)
		c.lent = nil
	}
}

// end lets go of the message made last: headers that are used again still point here.
func (c *chain) end() {
	c.back()
	c.borrowed = nats.Msg{}
}

// turns keep what this instance writes to one of the hub's own streams from coming
// between the messages of a chain. What another instance writes may; then the chain
// breaks, and batches are preferred for a while.
type turns [4]sync.RWMutex

// of gives the turns of the stream that a subject belongs to; nil if that is not
// one of the hub's own.
func (t *turns) of(subject string) *sync.RWMutex {
	if i := slices.Index(own, ownStream(subject)); i >= 0 {
		return &t[i]
	}
	return nil
}

func (t *turns) alone(subject string) (done func()) {
	if mu := t.of(subject); mu != nil {
		mu.Lock()
		return mu.Unlock
	}
	return nil
}

// among waits for a turn together with others that do not chain.
func (t *turns) among(subject string) (done func()) {
	if mu := t.of(subject); mu != nil {
		mu.RLock()
		return mu.RUnlock
	}
	return nil
}
