// Package replay brings a receiver again what it was sent before (Wiederholung, ADR
// 0021), as a governed act: requested with a scope, a reason and a dry run, approved by
// a second person, carried out at a bounded rate, each event decided anew by the
// agreements in force at that moment, and cancelled at any time.
//
// What is known of replays is a projection of the trail: the acts say which there are,
// the records what was decided about each event, and the cursors in TRAIL and OUT how
// far it has come. So a replay goes on after a restart, and none of its copies is lost
// or stored twice.
package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// Engine carries replays out. One is at work on a set of streams at any time; the
// cursors fence all others. Its methods are safe for concurrent use.
type Engine struct {
	Bus   *bus.Bus
	Index *index.Index
	// Current gives the version of the federation that is in force.
	Current func() *flow.Version
	// Boxes knows how full the mailboxes are; nil: none is ever full.
	Boxes *quota.Book
	Now   func() time.Time
	Log   *zap.Logger

	acting  sync.Mutex // one act at a time, in the order of the trail
	mu      sync.Mutex
	loaded  bool
	runs    map[string]*Run
	order   []string // of runs, as they were requested
	working map[string]bool
	doubts  map[string]doubtful // runs of which an act may be stored that is not known here
	changed chan struct{}       // closed when something above has changed
	looks   chan struct{}       // holds one while somebody counts
	crash   func(point string)  // tests only
}

// Errors that people may be told of.
var (
	ErrStarting   = errors.New("the hub is still reading which replays there are")
	ErrUnknown    = errors.New("there is no such replay")
	ErrScope      = errors.New("the scope names no receiver with a mailbox, or no time")
	ErrState      = errors.New("the replay is past that step")
	ErrSamePerson = errors.New("who requested a replay cannot decide about it")
	ErrTooMany    = errors.New("too many replays are open")
	ErrBusy       = errors.New("somebody else is counting")
)

// Limits.
const (
	MaxRate     = 500 // copies a second
	DefaultRate = 20
	maxOpen     = 100
)

// maxWait bounds the delays between tries at the hub's own server.
const maxWait = 15 * time.Second

// acts are where the steps of replays stand in the trail.
var acts = []string{decision.ActReplayRequest, decision.ActReplayApprove, decision.ActReplayReject, decision.ActReplayCancel, decision.ActReplayEnd}

// Run carries out what is approved, until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		err := e.load(ctx)
		if err == nil {
			break
		}
		e.Log.Warn("replays could not be read from the trail; trying again", zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { e.resolve(ctx) })
	for ctx.Err() == nil {
		changed := e.Changed()
		for _, application := range e.begin() {
			wg.Go(func() { e.work(ctx, application) })
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
	return nil
}

// load reads from the trail which replays there are, and how far those have come that
// are not at their end.
func (e *Engine) load(ctx context.Context) error {
	e.mu.Lock()
	e.runs, e.order, e.working, e.loaded = map[string]*Run{}, nil, map[string]bool{}, false
	e.mu.Unlock()
	filters := make([]string, len(acts))
	for i, act := range acts {
		filters[i] = "trail." + decision.KindAct + "." + act + ".>"
	}
	err := e.Bus.Often(ctx, bus.Trail, 1, filters, func(m *event.Message) error {
		a, err := trail.ReadAct(m)
		if err != nil { // it would be no better the next time
			e.Log.Error("an act of a replay cannot be read", zap.Uint64("trail", m.Seq))
			return nil
		}
		e.take(a, m.Seq)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the acts of replays: %w", err)
	}
	for application, from := range e.underway() {
		err := e.Bus.Often(ctx, bus.Trail, from, []string{records(application)}, func(m *event.Message) error {
			if rec, err := trail.ReadReplayed(m); err == nil {
				e.count(rec)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read how far replays to %s are: %w", application, err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.loaded = true
	e.tell()
	return nil
}

// records is where it stands what replays to an application decided.
func records(application string) string {
	return "trail." + decision.KindReplay + "." + decision.MailboxName(application) + ".>"
}

// underway are the applications with work, and from where on the trail may tell of it.
func (e *Engine) underway() map[string]uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]uint64{}
	for _, r := range e.runs {
		if !r.works() {
			continue
		}
		if from, ok := out[r.Scope.Application]; !ok || r.granted < from {
			out[r.Scope.Application] = r.granted
		}
	}
	return out
}

func (e *Engine) count(recs ...*decision.Replayed) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, rec := range recs {
		if r := e.runs[rec.Run]; r != nil && r.Ended.IsZero() {
			r.count(rec)
		}
	}
}

// begin gives the applications with work that nobody is at yet.
func (e *Engine) begin() (out []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.loaded {
		return nil
	}
	for _, id := range e.order {
		if r := e.runs[id]; r.works() && !e.working[r.Scope.Application] {
			e.working[r.Scope.Application] = true
			out = append(out, r.Scope.Application)
		}
	}
	return out
}

// next gives what is to be done for an application: the run that was approved first.
// With nil nobody is at work on it any more.
func (e *Engine) next(application string) *Run {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.first(application)
	if r == nil {
		delete(e.working, application)
		return nil
	}
	return r.copy()
}

// first is called with mu held.
func (e *Engine) first(application string) (first *Run) {
	for _, r := range e.runs {
		if r.Scope.Application == application && r.works() && (first == nil || r.granted < first.granted) {
			first = r
		}
	}
	return first
}

// Changed is closed when something has changed since it was asked for.
func (e *Engine) Changed() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.changed == nil {
		e.changed = make(chan struct{})
	}
	return e.changed
}

// tell is called with mu held.
func (e *Engine) tell() {
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
}

// Runs are the replays that are known, the newest first.
func (e *Engine) Runs() (out []*Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range slices.Backward(e.order) {
		out = append(out, e.view(e.runs[id]))
	}
	return out
}

// Find gives one.
func (e *Engine) Find(id string) (*Run, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.runs[id]
	if r == nil {
		return nil, false
	}
	return e.view(r), true
}

// view is called with mu held.
func (e *Engine) view(r *Run) *Run {
	c := r.copy()
	c.Queued = r.works() && e.first(r.Scope.Application) != r
	return c
}

// wait ends after a while, and when something has changed.
func (e *Engine) wait(ctx context.Context, d time.Duration, changed <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-changed:
	}
}

// reach lets a test end the engine at this point, as a crash would.
func (e *Engine) reach(ctx context.Context, point string) error {
	if e.crash != nil {
		e.crash(point)
	}
	return ctx.Err()
}
