package bus

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// answers are what the server says of messages of chains. They come to whom they are for
// without another goroutine between, as there is one between for requests in nats.go.
type answers struct {
	mu   sync.Mutex
	free []*ear
}

// ear hears the answers to one chain at a time.
type ear struct {
	msgs   chan *nats.Msg
	closed <-chan nats.Status // the connection is
	prefix string             // of their subjects
	n      uint64             // how many were made
}

// earRoom is how many answers may come that nobody hears: those to chains that were given up.
const earRoom = 64

// lend gives an ear to a chain.
func (a *answers) lend(nc *nats.Conn) (*ear, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.free); n > 0 {
		e := a.free[n-1]
		a.free = a.free[:n-1]
		return e, nil
	}
	e := &ear{msgs: make(chan *nats.Msg, earRoom), closed: nc.StatusChanged(nats.CLOSED), prefix: nc.NewInbox() + "."}
	if _, err := nc.ChanSubscribe(e.prefix+"*", e.msgs); err != nil {
		return nil, fmt.Errorf("listen for answers: %w", err)
	}
	return e, nil
}

// giveBack takes an ear back. What still comes for its chain, the next one passes over.
func (a *answers) giveBack(e *ear) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free = append(a.free, e)
}

// subject is where the next answer is to go; no other goes there.
func (e *ear) subject() string {
	e.n++
	return e.prefix + strconv.FormatUint(e.n, 36)
}

// became waits for what became of a chain, by the answers to its first and its last message,
// of one that is alone to the last. If the last one is refused, whatever for, some of the
// others may be stored; but nothing is if the first one is refused too, and its reason counts.
func (e *ear) became(ctx context.Context, begun, ended string, alone bool) (*jetstream.PubAck, error) {
	var first, last *nats.Msg
	for {
		select {
		case m := <-e.msgs:
			switch m.Subject {
			case begun:
				first = m
			case ended:
				last = m
			} // all others are of earlier chains
		case <-e.closed:
			return nil, fmt.Errorf("%w (%w)", ErrUnclear, nats.ErrConnectionClosed)
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", ErrUnclear, ctx.Err())
		}
		if last == nil {
			continue
		}
		ack, err := confirmed(last)
		if err == nil || alone {
			return ack, err
		}
		if first == nil {
			continue
		}
		if _, refused := confirmed(first); refused != nil {
			return nil, refused
		}
		return nil, fmt.Errorf("%w (%w)", ErrUnclear, err)
	}
}
