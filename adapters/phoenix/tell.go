package phoenix

import (
	"context"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// tell brings one notice to every target that has not got it yet. One that cannot be
// told keeps no other from it, unless it is the server that fails: then the next try
// begins with another target. The error is Permanent only when no further try could
// reach anybody.
func (s *sink) tell(ctx context.Context, m message) error {
	targets := s.channel.targets()
	first := int(s.first.Load())
	var failed error
	for i := range targets {
		at := (first + i) % len(targets)
		err := s.once(ctx, targets[at], m)
		failed = worse(failed, err)
		if err != nil && (ofServer(err) || ctx.Err() != nil) {
			s.first.Store(int64((at + 1) % len(targets)))
			break
		}
	}
	return failed
}

// serverFaults are codes of what the next target would hear as well.
var serverFaults = []string{rateLimited, "unauthorised", "untrusted", "unreachable", "timeout", "interrupted"}

func ofServer(err error) bool {
	return err != nil && slices.Contains(serverFaults, hub.FaultOf(err).Code)
}

// worse is the one of two errors that decides about the next try: what is worth one, and
// of such the one that asks for the longest wait.
func worse(a, b error) error {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	fa, fb := hub.FaultOf(a), hub.FaultOf(b)
	if fa.Permanent != fb.Permanent {
		if fa.Permanent {
			return b
		}
		return a
	}
	if fb.After > fa.After {
		return b
	}
	return a
}

// What is noted of a notice to one target.
const (
	begun = "begonnen" // it may have it
	told  = "gesagt"
)

// tryName is where the notice of this id to this target is noted.
func tryName(id, target string) string { return id + "-" + digest(target) }

// hasNotice tells whether a target is known to have the notice of this id.
func (s *sink) hasNotice(id, target string) (bool, error) {
	state, err := s.journal.read(tries, tryName(id, target))
	return string(state) == told, err
}

// once tells one target, if it is not known to have the notice.
func (s *sink) once(ctx context.Context, target string, m message) error {
	name := tryName(m.ID, target)
	state, err := s.journal.read(tries, name)
	if err != nil || string(state) == told {
		return err
	}
	if err := s.paused(); err != nil {
		return err
	}
	if string(state) == begun {
		found, err := s.find(ctx, target, m)
		if err != nil {
			return s.heed(err)
		}
		if found {
			return s.journal.put([]byte(told), tries, name)
		}
	} else if err := s.journal.put([]byte(begun), tries, name); err != nil {
		return err
	}
	if err := s.channel.send(ctx, target, m); err != nil {
		return s.heed(err)
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

// paused refuses a call before the time that the server has asked for.
func (s *sink) paused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := time.Until(s.pause)
	if wait <= 0 {
		return nil
	}
	return &hub.Fault{Code: rateLimited, Later: true, After: wait, Err: errorText("the server has asked to wait; nothing was tried")}
}

// heed keeps the time that a server asks to wait, for all targets.
func (s *sink) heed(err error) error {
	f := hub.FaultOf(err)
	if f.Code != rateLimited {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := time.Now().Add(f.After); until.After(s.pause) {
		s.pause = until
	}
	return err
}
