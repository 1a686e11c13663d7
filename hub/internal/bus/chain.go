package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
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
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	if free := b.turns.alone(msgs[0].Subject); free != nil {
		defer free()
	}
	began, c := time.Now(), chain{id: nuid.Next()}
	ack, err := b.link(ctx, c.next(&msgs[0]), guard)
	if err != nil {
		return 0, fmt.Errorf("begin the chain for %s: %w", msgs[0].Subject, err)
	}
	// what is stored of the others needs no answer: the last one is accepted only
	// behind all of them
	for i := 1; i < len(msgs)-1; i++ {
		if err := b.nc.PublishMsg(c.next(&msgs[i])); err != nil {
			return 0, fmt.Errorf("go on with the chain for %s: %w (%w)", msgs[0].Subject, ErrUnclear, err)
		}
	}
	if final := len(msgs) - 1; final > 0 {
		last, err := b.link(ctx, c.next(&msgs[final]), Guard{})
		if err != nil {
			b.costs.broke(len(msgs))
			return 0, fmt.Errorf("end the chain for %s: %w (%w)", msgs[0].Subject, ErrUnclear, err)
		}
		if last.Sequence != ack.Sequence+uint64(final) {
			return 0, fmt.Errorf("end the chain for %s: %w: it begins at %d and its message %d lies at %d",
				msgs[0].Subject, ErrUnclear, ack.Sequence, final, last.Sequence)
		}
	}
	b.costs.chained(len(msgs), time.Since(began))
	b.stored(ack.Stream, ack.Sequence, msgs)
	return ack.Sequence, nil
}

// Chained tells whether n messages are stored sooner by Chain than by Append.
func (b *Bus) Chained(n int) bool { return b.costs.chain(n) }

// link publishes one message of a chain and waits until it is stored.
func (b *Bus) link(ctx context.Context, out *nats.Msg, guard Guard) (*jetstream.PubAck, error) {
	if guard.Subject != "" {
		out.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(guard.Last, 10)}
		out.Header[jetstream.ExpectedLastSubjSeqSubjHeader] = []string{guard.Subject}
	}
	answer, err := b.nc.RequestMsgWithContext(ctx, out)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnclear, err)
	}
	var ack struct {
		jetstream.PubAck
		Error *jetstream.APIError `json:"error"`
	}
	switch err := json.Unmarshal(answer.Data, &ack); {
	case err != nil:
		return nil, fmt.Errorf("%w: read the answer: %w", ErrUnclear, err)
	case ack.Error != nil:
		if err := meaning(ack.Error); errors.Is(err, ErrFenced) || errors.Is(err, ErrStreamFull) || errors.Is(err, ErrNotStaged) {
			return nil, err
		}
		return nil, fmt.Errorf("%w (%w)", ErrUnclear, ack.Error)
	case ack.Duplicate || ack.Stream == "" || ack.Sequence == 0:
		return nil, fmt.Errorf("%w: the answer is no confirmation", ErrUnclear)
	}
	return &ack.PubAck, nil
}

// chain makes the messages of one.
type chain struct {
	outgoing
	id, last string // of the chain, of its last message
	n        int
}

// next is a message with its place in the chain: the server stores it only if the
// last message of the stream is the one before it in the chain.
func (c *chain) next(m *event.Message) *nats.Msg {
	out := c.of(m)
	if c.last != "" {
		out.Header[jetstream.ExpectedLastMsgIDHeader] = []string{c.last}
	}
	c.last = c.id + "." + strconv.Itoa(c.n)
	c.n++
	out.Header[jetstream.MsgIDHeader] = []string{c.last}
	return out
}

// turns keep what this instance writes to one of the hub's own streams from coming
// between the messages of a chain. What another instance writes may; then the chain
// breaks, and batches are preferred for a while.
type turns [4]sync.RWMutex

// of gives the turns of the stream that a subject belongs to; nil if that is not
// one of the hub's own.
func (t *turns) of(subject string) *sync.RWMutex {
	root, _, _ := strings.Cut(subject, ".")
	for i, stream := range own {
		if strings.EqualFold(root, stream) {
			return &t[i]
		}
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
