package phoenix

import (
	"context"
	"fmt"
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

	gate   chan struct{} // who holds its one place has what follows
	wake   chan struct{} // the digest has something to do
	digest gathered
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
		set: set, channel: c, journal: j, production: env.Production, log: log,
		gate: make(chan struct{}, 1), wake: make(chan struct{}, 1),
	}, nil
}

// Deliver implements hub.Sink. Without sammeln it returns nil when every target has
// been told. With it, it also does when the event is noted on disk for the next
// digest; while a digest fails, it fails too.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("tell of an event: %w", err)
	}
	n, err := admit(d, s.production)
	if err != nil {
		return err
	}
	if err := s.journal.tidy(time.Now()); err != nil {
		s.log.Warn("phoenix: what was told long ago is not forgotten", zap.Error(err))
	}
	if told, err := s.journal.has(done, n.Name); err != nil || told {
		return err
	}
	if s.set.Sammeln > 0 {
		return s.gather(ctx, n)
	}
	if err := s.tell(ctx, s.set.one(n)); err != nil {
		return err
	}
	return s.settle(n.Name)
}

// tell brings one notice to every target that has not got it yet. One that cannot be
// told keeps no other from it. The error is Permanent only when no further try could
// reach anybody.
func (s *sink) tell(ctx context.Context, m message) error {
	var failed error
	for _, target := range s.channel.targets() {
		err := s.once(ctx, target, m)
		if err != nil && (failed == nil || hub.FaultOf(failed).Permanent) {
			failed = err
		}
	}
	return failed
}

// What is noted of a notice to one target.
const (
	begun = "begonnen" // it may have it
	told  = "gesagt"
)

// tryName is where the notice of this id to this target is noted.
func tryName(id, target string) string { return id + "-" + digest(target) }

func (s *sink) once(ctx context.Context, target string, m message) error {
	name := tryName(m.ID, target)
	state, err := s.journal.read(tries, name)
	if err != nil || string(state) == told {
		return err
	}
	if string(state) == begun {
		found, err := s.find(ctx, target, m)
		if err != nil {
			return err
		}
		if found {
			return s.journal.put([]byte(told), tries, name)
		}
	} else if err := s.journal.put([]byte(begun), tries, name); err != nil {
		return err
	}
	if err := s.channel.send(ctx, target, m); err != nil {
		return err
	}
	return s.journal.put([]byte(told), tries, name)
}

func (s *sink) find(ctx context.Context, target string, m message) (bool, error) {
	f, can := s.channel.(finder)
	if !can {
		return false, nil
	}
	return f.find(ctx, target, m)
}

// settle notes that all is told of a delivery; the mark stands before the notes of
// the single targets go.
func (s *sink) settle(name string) error {
	if err := s.journal.put(nil, done, name); err != nil {
		return err
	}
	return s.forgetTries(name)
}

func (s *sink) forgetTries(id string) error {
	for _, target := range s.channel.targets() {
		if err := s.journal.drop(tries, tryName(id, target)); err != nil {
			return err
		}
	}
	return nil
}
