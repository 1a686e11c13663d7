package phoenix

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// queue is what one target is still to be told of: what waits, but for what it has.
type queue struct {
	setback

	target string
	index  int // in the settings, from 1, for the log
	state  queueState
	said   map[string]bool // of what waits for other targets, what this one has
}

// queueState is kept in a file for each target.
type queueState struct {
	// Last is when this target was last told.
	Last time.Time `json:"zuletzt,omitzero"`
	// Underway is the digest that is being told: each try tells the same.
	Underway *message `json:"laufend,omitempty"`
	// Members are what Underway tells of. They stay when it is refused for good: the
	// digest is made anew with the texts of that time, and is known by the same id.
	Members []string `json:"dabei,omitempty"`
	// Said is what waits for other targets, and this one has.
	Said []string `json:"gesagt,omitempty"`
}

func (q *queue) file() string { return "sammeln-" + digest(q.target) + ".json" }

// setback is how it went last, for the next try and for Deliver. It ends with the process.
type setback struct {
	failed error
	tries  int
	next   time.Time // of the next try after a failure
}

const (
	firstDelay = time.Second
	mostDelay  = 10 * time.Minute
)

// fail gives the time until the next try.
func (b *setback) fail(err error, now time.Time) time.Duration {
	delay := max(min(firstDelay<<min(b.tries, 20), mostDelay), hub.FaultOf(err).After)
	b.tries++
	b.failed, b.next = err, now.Add(delay)
	return delay
}

// queue reads what is noted of a target.
func (s *sink) queue(target string, index int) (*queue, error) {
	q := &queue{target: target, index: index, said: map[string]bool{}}
	raw, err := s.journal.read(q.file())
	if err != nil {
		return nil, err
	}
	if raw != nil && json.Unmarshal(raw, &q.state) != nil {
		s.log.Error("phoenix: what was told to a target is damaged; it is told anew of what waits", zap.Int("target", index))
		q.state = queueState{}
	}
	g := &s.digest
	for _, name := range q.state.Said {
		if _, still := g.waits[name]; still {
			q.said[name] = true
		}
	}
	gone := func(name string) bool { _, still := g.waits[name]; return !still }
	if slices.ContainsFunc(q.state.Members, gone) { // the target was away from the settings meanwhile
		q.state.Members, q.state.Underway = nil, nil
	}
	return q, nil
}

func (s *sink) save(q *queue, state queueState) error {
	state.Said = slices.Sorted(maps.Keys(q.said))
	raw, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("note the digest: %w", err)
	}
	if err := s.journal.put(raw, q.file()); err != nil {
		return err
	}
	q.state = state
	return nil
}

// pending tells whether there is something that the target has not got.
func (s *sink) pending(q *queue) bool { return len(s.digest.waits) > len(q.said) }

// due is when the target is to be told next.
func (s *sink) due(q *queue, now time.Time) time.Time {
	if q.failed != nil {
		return q.next
	}
	if q.state.Underway != nil { // from before a crash
		return time.Time{}
	}
	if q.state.Last.After(now) { // the clock was ahead then
		q.state.Last = now
	}
	return q.state.Last.Add(s.set.Sammeln)
}

// flush tells a target its digest.
func (s *sink) flush(ctx context.Context, q *queue) error {
	if err := s.freeze(q); err != nil {
		return err
	}
	m := *q.state.Underway
	if err := s.once(ctx, q.target, m); err != nil {
		return s.thaw(q, err)
	}
	events := len(q.state.Members)
	for _, name := range q.state.Members {
		q.said[name] = true
	}
	if err := s.save(q, queueState{Last: time.Now()}); err != nil {
		return err
	}
	s.log.Info("phoenix: a digest is told", zap.String("digest", m.ID), zap.Int("target", q.index), zap.Int("events", events))
	if err := s.journal.drop(tries, tryName(m.ID, q.target)); err != nil { // it only takes room, until it is old
		s.log.Warn("phoenix: the note of a digest stays", zap.Error(err))
	}
	return nil
}

// freeze fixes what the digest tells, so that each try tells the same.
func (s *sink) freeze(q *queue) error {
	if q.state.Underway != nil {
		return nil
	}
	members := q.state.Members
	if len(members) == 0 {
		for name := range s.digest.waits {
			if !q.said[name] {
				members = append(members, name)
			}
		}
		slices.Sort(members)
	}
	notes := make([]note, 0, len(members))
	for _, name := range members {
		notes = append(notes, s.digest.waits[name])
	}
	m := s.set.digest(digest(members...), notes)
	if len(notes) == 1 {
		m = s.set.one(notes[0])
	}
	return s.save(q, queueState{Last: q.state.Last, Underway: &m, Members: members})
}

// thaw lets a digest that was refused for good be written anew at the next try; nothing
// of what waits is let go.
func (s *sink) thaw(q *queue, err error) error {
	if !hub.FaultOf(err).Permanent {
		return err
	}
	if failed := s.save(q, queueState{Last: q.state.Last, Members: q.state.Members}); failed != nil {
		return failed
	}
	return err
}
