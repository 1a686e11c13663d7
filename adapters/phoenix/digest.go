package phoenix

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// gathered is what is to be told by digests. All of it stands in the journal, but for
// how it went last. Only who holds the gate may look at it.
type gathered struct {
	loaded bool
	waits  map[string]note // by name of the delivery, until every target has it
	queues []*queue
	server setback // no target is tried before its time
}

// Bounds of digests.
const (
	maxWaiting   = 10_000 // what can wait; then the hub keeps the rest
	releasedOnce = 256    // what is let go while the gate is held
)

// enter waits for the gate.
func (s *sink) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.gate <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the digest: %w", ctx.Err())
	}
	if err := s.load(); err != nil {
		<-s.gate
		return nil, err
	}
	return func() { <-s.gate }, nil
}

// load reads the journal once, when the sink is put to work: one that worked before
// it has stopped then.
func (s *sink) load() error {
	g := &s.digest
	if g.loaded {
		return nil
	}
	g.waits, g.queues = map[string]note{}, nil
	names, err := s.journal.list(waits)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.loadNote(name); err != nil {
			return err
		}
	}
	known := map[string]bool{}
	for i, target := range s.channel.targets() {
		if known[target] {
			continue
		}
		known[target] = true
		q, err := s.queue(target, i+1)
		if err != nil {
			return err
		}
		g.queues = append(g.queues, q)
	}
	g.loaded = true
	return nil
}

// loadNote takes no note that has its mark: a crash can bring back what was removed.
func (s *sink) loadNote(name string) error {
	if told, err := s.journal.has(done, name); err != nil || told {
		if err == nil {
			err = s.journal.drop(waits, name)
		}
		return err
	}
	raw, err := s.journal.read(waits, name)
	if err != nil {
		return err
	}
	n := note{Name: name}
	if json.Unmarshal(raw, &n) != nil {
		n.Type, n.Referenz = "unbekannt", name // it is told all the same
	}
	n.Name = name
	s.digest.waits[name] = n
	return nil
}

// gather tells of an event at once when nobody has been told for a while, else notes
// it for the next digest.
func (s *sink) gather(ctx context.Context, n note) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	g := &s.digest
	if _, noted := g.waits[n.Name]; noted {
		return nil
	}
	if told, err := s.journal.has(done, n.Name); err != nil || told { // while this waited for the gate
		return err
	}
	now := time.Now()
	if err := s.silent(); err != nil {
		return hub.Retryable("digest-fails", "nothing is noted for a digest while none can be told: %w", err)
	}
	if len(g.waits) >= maxWaiting {
		return hub.Retryable("digest-full", "%d events wait for the next digest", len(g.waits))
	}
	if len(g.waits) == 0 && s.allDue(now) {
		return s.atOnce(ctx, n, now)
	}
	return s.note(n)
}

// silent gives why nobody can be told, nil when somebody can.
func (s *sink) silent() error {
	if s.digest.server.failed != nil {
		return s.digest.server.failed
	}
	var why error
	for _, q := range s.digest.queues {
		if q.failed == nil {
			return nil
		}
		why = q.failed
	}
	return why
}

func (s *sink) allDue(now time.Time) bool {
	for _, q := range s.digest.queues {
		if s.due(q, now).After(now) {
			return false
		}
	}
	return true
}

func (s *sink) atOnce(ctx context.Context, n note, now time.Time) error {
	failed := s.tell(ctx, s.set.one(n))
	if failed == nil {
		if err := s.settle(n.Name); err != nil {
			return err
		}
	}
	for _, q := range s.digest.queues { // who was told is not to be told of each event at once
		has, err := s.hasNotice(n.Name, q.target)
		if err == nil && (has || failed == nil) {
			err = s.save(q, queueState{Last: now})
		}
		if err != nil {
			return err
		}
	}
	return failed
}

// note keeps an event for the next digest of each target that has not got it alone.
func (s *sink) note(n note) error {
	for _, q := range s.digest.queues {
		has, err := s.hasNotice(n.Name, q.target)
		if err != nil {
			return err
		}
		if !has {
			continue
		}
		q.said[n.Name] = true
		if err := s.save(q, q.state); err != nil {
			delete(q.said, n.Name)
			return err
		}
	}
	raw, err := json.Marshal(n)
	if err == nil {
		err = s.journal.put(raw, waits, n.Name)
	}
	if err != nil {
		for _, q := range s.digest.queues {
			delete(q.said, n.Name) // of what waits alone
		}
		return fmt.Errorf("note an event for the digest: %w", err)
	}
	s.digest.waits[n.Name] = n
	s.stir()
	return nil
}

func (s *sink) stir() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
}

// release lets go of some of what every target has: the marks are durable before the
// notes go. It tells whether there is more.
func (s *sink) release() (more bool, err error) {
	g := &s.digest
	var names []string
	for name := range g.queues[0].said {
		if len(names) == releasedOnce {
			more = true
			break
		}
		if s.everybodyHas(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return false, nil
	}
	if err := s.journal.mark(done, names); err != nil {
		return false, err
	}
	for _, name := range names {
		if err := s.journal.drop(waits, name); err != nil {
			return false, err
		}
		delete(g.waits, name)
		for _, q := range g.queues {
			delete(q.said, name)
		}
	}
	return more, nil
}

func (s *sink) everybodyHas(name string) bool {
	for _, q := range s.digest.queues {
		if !q.said[name] {
			return false
		}
	}
	return true
}

func (s *sink) failing(q *queue, err error) {
	now := time.Now()
	wait := q.fail(err, now)
	if ofServer(err) { // the next target would hear the same
		wait = s.digest.server.fail(err, now)
	}
	fault := hub.FaultOf(err)
	s.log.Warn("phoenix: the digest cannot be told; trying again", zap.Int("target", q.index), zap.Int("waiting", len(s.digest.waits)),
		zap.Int("attempt", q.tries), zap.String("fault", fault.Code), zap.Duration("after", wait), zap.Error(err))
}
