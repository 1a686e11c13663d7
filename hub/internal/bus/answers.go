package bus

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
)

// answers are awaited without anybody waiting: nats.go knows only requests that
// wait for theirs before the next message is published.
type answers struct {
	mu      sync.Mutex
	prefix  string // of their subjects; "" until the first is expected
	n       uint64
	waiting map[string]chan *nats.Msg
}

// answer is one.
type answer struct {
	of      *answers
	subject string
	came    chan *nats.Msg
}

// expect prepares for an answer.
func (a *answers) expect(nc *nats.Conn) (*answer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.prefix == "" {
		prefix := nc.NewInbox()
		if _, err := nc.Subscribe(prefix+".*", a.take); err != nil {
			return nil, fmt.Errorf("listen for answers: %w", err)
		}
		a.prefix, a.waiting = prefix, map[string]chan *nats.Msg{}
	}
	a.n++
	one := &answer{a, a.prefix + "." + strconv.FormatUint(a.n, 36), make(chan *nats.Msg, 1)}
	a.waiting[one.subject] = one.came
	return one, nil
}

func (a *answers) take(m *nats.Msg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if came := a.waiting[m.Subject]; came != nil {
		delete(a.waiting, m.Subject)
		came <- m
	}
}

func (o *answer) forget() {
	o.of.mu.Lock()
	defer o.of.mu.Unlock()
	delete(o.of.waiting, o.subject)
}

// became tells what the end of a chain means whose last message was refused for
// err: if its first one, whose answer this is, was refused too, nothing is stored, and
// its reason counts.
func (o *answer) became(ctx context.Context, err error) error {
	select {
	case m := <-o.came:
		if _, refused := confirmed(m); refused != nil {
			return refused
		}
	case <-ctx.Done():
	}
	return fmt.Errorf("%w (%w)", ErrUnclear, err)
}
