package phoenix

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// channel is a way to reach people.
type channel interface {
	// targets are who is told: rooms, users, addresses.
	targets() []string
	// send tells one target and returns nil only when the other side has said that
	// it has it. The same message may come again.
	send(ctx context.Context, target string, m message) error
}

// finder is a channel that can tell whether a target was told already, where a try
// has ended without an answer.
type finder interface {
	find(ctx context.Context, target string, m message) (bool, error)
}

// sink tells of events, each once to each target.
type sink struct {
	set        Notices
	channel    channel
	journal    *journal
	production bool
	log        *zap.Logger
	folders    string // of the memories of all adapters of these kinds

	gate   chan struct{} // who holds its one place has what follows
	wake   chan struct{} // the digest has something to do
	digest gathered

	first atomic.Int64 // the target to begin with
	mu    sync.Mutex
	pause time.Time // the server wants to hear nothing before
}

var (
	_ hub.Sink   = (*sink)(nil)
	_ hub.Worker = (*sink)(nil)
)

func newSink(env hub.Env, set Notices, c channel) (*sink, error) {
	j, err := openJournal(dir(env, set.Dir), set.Merken)
	if err != nil {
		return nil, err
	}
	log := env.Log
	if log == nil {
		log = zap.NewNop()
	}
	return &sink{
		set: set, channel: c, journal: j, production: env.Production, log: log, folders: under(env.Dir, "phoenix"),
		gate: make(chan struct{}, 1), wake: make(chan struct{}, 1),
	}, nil
}

// Deliver implements hub.Sink. Without sammeln it returns nil when every target has
// been told. With it, it also does when the event is noted on disk for the next
// digest; while no target can be told a digest, it fails too.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("tell of an event: %w", err)
	}
	n, err := admit(d, s.production)
	if err != nil {
		return err
	}
	if err := s.journal.tidy(ctx, time.Now()); err != nil {
		s.log.Warn("phoenix: what was told long ago is not forgotten", zap.Error(err))
	}
	if s.set.Sammeln > 0 {
		return s.gather(ctx, n)
	}
	// in this order: a note goes only when the mark is there
	for _, sub := range []string{waits, done} { // it may wait from a time with sammeln
		if has, err := s.journal.has(sub, n.Name); err != nil || has {
			return err
		}
	}
	if err := s.tell(ctx, s.set.one(n)); err != nil {
		return err
	}
	return s.settle(n.Name)
}

// settle notes that all is told of a delivery; the mark stands before the notes of
// the single targets go.
func (s *sink) settle(name string) error {
	if err := s.journal.put(nil, done, name); err != nil {
		return err
	}
	for _, target := range s.channel.targets() {
		if err := s.journal.drop(tries, tryName(name, target)); err != nil {
			return err
		}
	}
	return nil
}
