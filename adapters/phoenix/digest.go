package phoenix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// gathered is what the next digest tells. All of it stands in the journal, but for how
// it went last. Only who holds the gate may look at it.
type gathered struct {
	loaded bool
	waits  map[string]note // by name of the delivery, those underway too
	state  digestState
	failed error // of the last try
	tries  int
	next   time.Time // of the next try after a failure
}

// digestState is kept in the file sammeln.json.
type digestState struct {
	// Last is when people were last told.
	Last time.Time `json:"zuletzt,omitzero"`
	// Underway is the digest that is being told: each try tells the same.
	Underway *message `json:"laufend,omitempty"`
	Members  []string `json:"dabei,omitempty"`
	// Told: every target has it, only the notes of its members are still to go.
	Told bool `json:"gesagt,omitempty"`
}

const stateFile = "sammeln.json"

// Bounds of digests.
const (
	maxWaiting = 10_000 // what can wait; then the hub keeps the rest
	firstDelay = time.Second
	mostDelay  = 10 * time.Minute
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
	state, err := s.journal.read(stateFile)
	if err != nil {
		return err
	}
	g.state, g.waits = digestState{}, map[string]note{}
	if state != nil && json.Unmarshal(state, &g.state) != nil {
		s.log.Error("phoenix: " + stateFile + " is damaged; what waits is told anew")
		g.state = digestState{}
	}
	names, err := s.journal.list(waits)
	if err != nil {
		return err
	}
	for _, name := range names {
		raw, err := s.journal.read(waits, name)
		if err != nil {
			return err
		}
		n := note{Name: name}
		if json.Unmarshal(raw, &n) != nil {
			n.Type, n.Referenz = "unbekannt", name // it is told all the same
		}
		g.waits[name] = n
	}
	g.loaded = true
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
	switch now := time.Now(); {
	case g.failed != nil:
		return hub.Retryable("digest-fails", "nothing is noted for a digest while one cannot be told: %w", g.failed)
	case len(g.waits) >= maxWaiting:
		return hub.Retryable("digest-full", "%d events wait for the next digest", len(g.waits))
	case len(g.waits) == 0 && g.state.Underway == nil && !now.Before(g.state.Last.Add(s.set.Sammeln)):
		return s.atOnce(ctx, n, now)
	}
	raw, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("note an event for the digest: %w", err)
	}
	if err := s.journal.put(raw, waits, n.Name); err != nil {
		return err
	}
	g.waits[n.Name] = n
	s.stir()
	return nil
}

func (s *sink) atOnce(ctx context.Context, n note, now time.Time) error {
	if err := s.tell(ctx, s.set.one(n)); err != nil {
		if s.partly(n.Name) { // who was told is not to be told of each event at once
			err = errors.Join(err, s.save(digestState{Last: now}))
		}
		return err
	}
	if err := s.settle(n.Name); err != nil {
		return err
	}
	return s.save(digestState{Last: now})
}

// partly tells whether a target has got the notice of this id.
func (s *sink) partly(id string) bool {
	return slices.ContainsFunc(s.channel.targets(), func(target string) bool {
		state, err := s.journal.read(tries, tryName(id, target))
		return err == nil && string(state) == told
	})
}

func (s *sink) stir() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
}

func (s *sink) save(state digestState) error {
	raw, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("note the digest: %w", err)
	}
	if err := s.journal.put(raw, stateFile); err != nil {
		return err
	}
	s.digest.state = state
	return nil
}

// Work implements hub.Worker: it tells the digests. Without sammeln it tells what waits
// from a time when there was one.
func (s *sink) Work(ctx context.Context) error {
	for ctx.Err() == nil {
		wait, err := s.round(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		s.rest(ctx, wait)
	}
	return nil
}

// forever is how long to wait when nothing waits.
const forever = time.Duration(-1)

func (s *sink) rest(ctx context.Context, wait time.Duration) {
	var due <-chan time.Time
	if wait != forever {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-due:
	}
}

// round tells the digest if it is due, and says how long to wait for the next.
func (s *sink) round(ctx context.Context) (time.Duration, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	g := &s.digest
	if len(g.waits) == 0 && g.state.Underway == nil {
		return forever, nil
	}
	if wait := time.Until(s.due()); wait > 0 {
		return wait, nil
	}
	err = s.flush(ctx)
	if ctx.Err() != nil {
		return 0, nil
	}
	s.judge(err)
	if len(g.waits) == 0 && g.state.Underway == nil {
		return forever, nil
	}
	return max(time.Until(s.due()), 0), nil
}

func (s *sink) due() time.Time {
	g := &s.digest
	if g.failed != nil {
		return g.next
	}
	if g.state.Underway != nil { // from before a crash
		return time.Time{}
	}
	return g.state.Last.Add(s.set.Sammeln)
}

// flush tells the digest and lets go of its members.
func (s *sink) flush(ctx context.Context) error {
	if err := s.freeze(); err != nil {
		return err
	}
	state := s.digest.state
	if !state.Told {
		if err := s.tell(ctx, *state.Underway); err != nil {
			return errors.Join(err, s.thaw(err))
		}
		state.Told, state.Last = true, time.Now()
		if err := s.save(state); err != nil {
			return err
		}
	}
	for _, name := range state.Members {
		if err := errors.Join(s.journal.put(nil, done, name), s.journal.drop(waits, name)); err != nil {
			return err
		}
		delete(s.digest.waits, name)
	}
	if err := s.save(digestState{Last: state.Last}); err != nil {
		return err
	}
	s.log.Info("phoenix: a digest is told", zap.String("digest", state.Underway.ID), zap.Int("events", len(state.Members)))
	if err := s.forgetTries(state.Underway.ID); err != nil { // they only take room, until they are old
		s.log.Warn("phoenix: notes of a digest stay", zap.Error(err))
	}
	return nil
}

// freeze fixes what the digest tells, so that each try tells the same.
func (s *sink) freeze() error {
	g := &s.digest
	if g.state.Underway != nil {
		return nil
	}
	members := slices.Sorted(maps.Keys(g.waits))
	notes := make([]note, 0, len(members))
	for _, name := range members {
		notes = append(notes, g.waits[name])
	}
	m := s.set.digest(digest(members...), notes)
	if len(notes) == 1 {
		m = s.set.one(notes[0])
	}
	return s.save(digestState{Last: g.state.Last, Underway: &m, Members: members})
}

// thaw lets a digest that was refused for good be made anew, by then with other texts
// or for other people; nothing of what waits is let go.
func (s *sink) thaw(err error) error {
	if f := hub.FaultOf(err); !f.Permanent {
		return nil
	}
	return s.save(digestState{Last: s.digest.state.Last})
}

// judge keeps how it went, for the next try and for Deliver.
func (s *sink) judge(err error) {
	g := &s.digest
	if err == nil {
		g.failed, g.tries = nil, 0
		return
	}
	fault := hub.FaultOf(err)
	delay := min(firstDelay<<min(g.tries, 20), mostDelay)
	g.tries++
	g.failed, g.next = err, time.Now().Add(max(delay, fault.After))
	s.log.Warn("phoenix: the digest cannot be told; trying again", zap.Int("waiting", len(g.waits)), zap.Int("attempt", g.tries),
		zap.String("fault", fault.Code), zap.Duration("after", max(delay, fault.After)), zap.Error(err))
}
