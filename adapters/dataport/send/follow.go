package send

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/hub"
)

// source follows what the sink has submitted: each entry of an event log becomes an
// event of the case, until the receiver has accepted or rejected the submission.
type source struct {
	set   settings
	api   *client.Client
	out   *outbox
	aside string
	log   *zap.Logger

	// of Run alone
	ended  map[string]bool // records that need no look any more
	warned map[string]time.Time
	tries  map[string]*try
	resume string         // the record at which the last round had to stop; "": none
	bad    map[string]int // tokens that do not verify, as far as that was told
	// progress is whether something was told since the last pause.
	progress bool
}

// try is when a record that failed is looked at again.
type try struct {
	failures int
	next     time.Time
}

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	x := &source{
		set: set, aside: filepath.Join(set.Dir, "error"), log: env.Log,
		ended: map[string]bool{}, warned: map[string]time.Time{}, tries: map[string]*try{}, bad: map[string]int{},
	}
	if err := os.MkdirAll(x.aside, 0o750); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	if x.out, err = openOutbox(set.Dir, set.Merken); err != nil {
		return nil, err
	}
	x.api, err = set.dial(env.Production, s)
	return x, err
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places { return hub.Places{In: s.set.API, SetAside: s.aside} }

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	defer s.api.Close()
	for failed := 0; ; {
		wait, err := s.round(ctx, in)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil || s.progress {
			failed = 0
		}
		s.progress = false
		if err != nil {
			failed++
			s.log.Warn("fit-connect: what was sent will be followed again later", zap.Int("failures", failed), zap.Error(err))
		}
		if !pause(ctx, max(wait, later(s.set.Poll, failed))) {
			return nil
		}
	}
}

const maxPause = 5 * time.Minute

// later is poll, doubled with each failure after the first, up to five minutes.
func later(poll time.Duration, failures int) time.Duration {
	wait := poll
	for range min(failures-1, 20) {
		wait = min(2*wait, max(maxPause, poll))
	}
	return wait
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// round looks at every submission that has not ended. One that fails holds up no
// other, unless nobody is let in or all are asked to wait.
func (s *source) round(ctx context.Context, in hub.Intake) (wait time.Duration, err error) {
	ids, err := s.out.ids()
	if err != nil {
		return 0, err
	}
	there := map[string]bool{}
	for _, id := range ids {
		there[id] = true
	}
	at, _ := slices.BinarySearch(ids, s.resume)
	for _, id := range slices.Concat(ids[at:], ids[:at]) {
		if t := s.tries[id]; s.ended[id] || t != nil && time.Now().Before(t.next) {
			continue
		}
		quiet, err := s.look(ctx, in, id)
		if err == nil {
			s.tries[id] = &try{next: time.Now().Add(quiet)}
			continue
		}
		e, fromService := errors.AsType[*client.Error](err)
		if ctx.Err() != nil || fromService && (e.After > 0 || e.Class == client.Login) || isHubs(err) {
			s.resume = id // who stands behind it has his turn
			if fromService {
				wait = e.After
			}
			return wait, err
		}
		s.failed(id, err)
	}
	s.resume = ""
	s.forget(there)
	return 0, nil
}

// hubAway marks an error of the hub, which is nobody's in particular.
type hubAway struct{ error }

// Unwrap gives the cause.
func (h hubAway) Unwrap() error { return h.error }

func isHubs(err error) bool { _, is := errors.AsType[hubAway](err); return is }

func (s *source) failed(id string, err error) {
	t := s.tries[id]
	if t == nil {
		t = &try{}
		s.tries[id] = t
	}
	t.failures++
	t.next = time.Now().Add(later(s.set.Poll, t.failures))
	s.log.Warn("fit-connect: the event log of a submission could not be followed", zap.String("delivery", id), zap.Int("failures", t.failures), zap.Error(err))
}

// forget drops what is remembered of records that are gone.
func (s *source) forget(there map[string]bool) {
	gone := func(id string) bool { return !there[id] }
	maps.DeleteFunc(s.ended, func(id string, _ bool) bool { return gone(id) })
	maps.DeleteFunc(s.warned, func(id string, _ time.Time) bool { return gone(id) })
	maps.DeleteFunc(s.tries, func(id string, _ *try) bool { return gone(id) })
	maps.DeleteFunc(s.bad, func(id string, _ int) bool { return gone(id) })
}
