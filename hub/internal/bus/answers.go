package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

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
	late   *time.Timer        // of its own: a context with a deadline for each chain costs more
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
	e := &ear{msgs: make(chan *nats.Msg, earRoom), late: time.NewTimer(Timeout), closed: nc.StatusChanged(nats.CLOSED), prefix: nc.NewInbox() + "."}
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

// became waits, Timeout at most, for what became of a chain, by the answers to its first and
// its last message, of one that is alone to the last. If the last one is refused, whatever for,
// some of the others may be stored; but nothing is if the first one is refused too, and its
// reason counts.
func (e *ear) became(ctx context.Context, begun, ended string, alone bool) (*jetstream.PubAck, error) {
	e.late.Reset(Timeout)
	defer e.late.Stop()
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
		case <-e.late.C:
			return nil, fmt.Errorf("%w (%w)", ErrUnclear, context.DeadlineExceeded)
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

// confirmed reads the answer to a message that was published.
func confirmed(answer *nats.Msg) (*jetstream.PubAck, error) {
	if ack := plainAck(answer.Data); ack != nil {
		return ack, nil
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

// plainAck reads an answer of the form that the server gives nearly always,
// {"stream":"OUT","domain":"hub","seq":7}; nil: it is another.
func plainAck(answer []byte) *jetstream.PubAck {
	rest, ok := bytes.CutPrefix(answer, []byte(`{"stream":"`))
	name, rest, named := bytes.Cut(rest, []byte(`"`))
	if domain, there := bytes.CutPrefix(rest, []byte(`,"domain":"`)); there {
		_, rest, named = bytes.Cut(domain, []byte(`"`))
	}
	number, counted := bytes.CutPrefix(rest, []byte(`,"seq":`))
	number, closed := bytes.CutSuffix(number, []byte("}"))
	if !ok || !named || !counted || !closed || len(name) == 0 || bytes.IndexByte(answer, '\\') >= 0 {
		return nil
	}
	seq, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil || seq == 0 {
		return nil
	}
	return &jetstream.PubAck{Stream: string(name), Sequence: seq}
}
