// Package quarantine is what stewards do with events that rest in quarantine
// (Klärungsfach): send them again as they were or edited, give them back to their
// sender, discard them, alone or a group at a time (ADR 0020).
//
// An act is marked in QUARANTINE first, under a guard, so that of two people one is the
// first and a crash does not forget it; then it is in the trail; then it takes effect;
// at last the event leaves QUARANTINE. Each step can be repeated.
package quarantine

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Clerk does the acts on what rests in quarantine of one organisation. Its methods are
// safe for concurrent use.
type Clerk struct {
	Organisation string
	Bus          *bus.Bus
	Index        *index.Index
	// Store keeps the work on events and groups (Work).
	Store *bus.Store
	// Deciding is that of the organisation's lanes: while an act gives an event its end
	// no lane decides about another of its identity.
	Deciding *sync.Mutex
	// CaughtUp tells whether the index is up to date (flow.Parking).
	CaughtUp func() bool
	Current  func() *flow.Version
	// Decided is told of the decisions by which events have their end.
	Decided func(*decision.Decision)
	Now     func() time.Time
	Log     *zap.Logger

	acting sync.Mutex // one step of an act at a time
	work   sync.Mutex
	mu     sync.Mutex
	open   map[uint64]*mark // marked and not ended, by sequence in QUARANTINE; nil until they are read
	missed bool             // something was marked while they were read
	runs   map[string]*run
	over   []Progress // runs that have ended, the latest last
	more   chan struct{}
	ended  chan struct{} // closed when Run has ended
	swept  time.Time
	crash  func(point string) error // tests only
}

// Request is what a person wants done with an event in quarantine.
type Request struct {
	Act    string // one of the Acts
	Seq    uint64 // of the event, in QUARANTINE
	Edited []byte // with ActQuarantineEdit: one CloudEvent in structured JSON
	Who    string
	Reason string // one line, without personal data; for the sender too with ActQuarantineReturn
	// Application to which the event must belong; "" when the caller has looked.
	Application string

	bulk string
}

// Acts on one event.
var Acts = []string{
	decision.ActQuarantineResubmit, decision.ActQuarantineEdit, decision.ActQuarantineReturn, decision.ActQuarantineDiscard,
}

// MaxEdited is how large an edited event may be, in bytes.
const MaxEdited = 256 << 10

// Why an act was not done.
type Why string

// The reasons.
const (
	Gone        Why = "gone"         // somebody has dealt with the event already
	Taken       Why = "taken"        // somebody is dealing with it
	Starting    Why = "starting"     // the hub does not know yet what is true of it
	Superseded  Why = "superseded"   // the sender has sent another one in its place
	TooOld      Why = "too-old"      // it is not known any more what came in its place
	Unchanged   Why = "unchanged"    // nothing was edited
	Identity    Why = "identity"     // source and id must stay, so that it supersedes the event
	StillWrong  Why = "still-wrong"  // it would rest in quarantine again
	TooLarge    Why = "too-large"    // to be sent again
	OnlyDiscard Why = "only-discard" // a copy that its receiver has refused
	Personal    Why = "personal"     // the reason has something in it that names a person
)

// NotDone is why an act was not done: nothing was changed.
type NotDone struct {
	Why Why
	// Violations are what would still be wrong with it, for StillWrong.
	Violations []*refusal.Refusal
}

// Error implements error. It holds no value of an event.
func (e *NotDone) Error() string { return "not done: " + string(e.Why) }

// Outcome is how far an act has come.
type Outcome int

// The outcomes.
const (
	Done     Outcome = iota
	Underway         // it is stored that it is to be done, and will be
)

// settling is how long an act waits until its event may leave QUARANTINE: the lane's
// cursor has yet to cover it.
const settling = 5 * time.Second

// glance is how often it looks.
const glance = 20 * time.Millisecond

// Act does what is asked. Once it has an Outcome it will be done, also after a crash.
// A second request for what the same person has just had done changes nothing.
func (c *Clerk) Act(ctx context.Context, r Request) (Outcome, error) {
	if !c.CaughtUp() || c.marks() == nil {
		return 0, &NotDone{Why: Starting}
	}
	if IsPersonal(r.Reason) {
		return 0, &NotDone{Why: Personal}
	}
	mk, err := c.begin(ctx, &r)
	if err != nil || mk == nil {
		return Done, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling) // who asked may go: it is marked
	defer cancel()
	for {
		ended, err := c.carry(ctx, mk)
		switch {
		case ended:
			return Done, err
		case err != nil:
			c.complain(mk, err)
			c.poke()
			return Underway, nil
		case !pause(ctx, glance):
			c.poke()
			return Underway, nil
		}
	}
}

// Run carries out what was begun before a restart and what could not be ended at once,
// until ctx ends.
func (c *Clerk) Run(ctx context.Context) error {
	c.mu.Lock()
	c.more, c.ended = make(chan struct{}, 1), make(chan struct{})
	c.mu.Unlock()
	defer c.end()
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for ctx.Err() == nil {
		if c.CaughtUp() {
			c.rest(ctx, &wg)
		}
		wait := tick.C
		if c.marks() == nil { // it must not keep anybody waiting
			wait = time.After(glance)
		}
		select {
		case <-ctx.Done():
		case <-c.more:
		case <-wait:
		}
	}
	return nil
}

// end has nothing begin any more.
func (c *Clerk) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = nil
	close(c.ended)
}

// retry is how often what could not be ended is tried again.
const retry = time.Second

// rest does what is left.
func (c *Clerk) rest(ctx context.Context, wg *sync.WaitGroup) {
	if c.marks() == nil {
		if err := c.load(ctx); err != nil {
			c.Log.Warn("what is underway in quarantine could not be read; trying again", zap.Error(err))
			return
		}
	}
	for _, mk := range c.marks() {
		if _, err := c.carry(ctx, mk); err != nil && ctx.Err() == nil {
			c.complain(mk, err)
		}
	}
	c.startRuns(ctx, wg)
	if err := c.sweep(ctx); err != nil && ctx.Err() == nil {
		c.Log.Warn("originals of edited events could not be removed; trying again", zap.Error(err))
	}
}

// complain says once of an act that it does not come to its end; it is tried on.
func (c *Clerk) complain(mk *mark, err error) {
	c.mu.Lock()
	told := mk.told
	mk.told = true
	c.mu.Unlock()
	if !told {
		c.Log.Warn("an act on an event in quarantine did not come to its end; trying again", zap.Uint64("seq", mk.Seq), zap.String("act", mk.Act), zap.Error(err))
	}
}

// marks are the acts that are underway; nil while they are not read.
func (c *Clerk) marks() []*mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		return nil
	}
	out := make([]*mark, 0, len(c.open))
	for _, mk := range c.open {
		out = append(out, mk)
	}
	return out
}

func (c *Clerk) poke() {
	c.mu.Lock()
	more := c.more
	c.mu.Unlock()
	select {
	case more <- struct{}{}:
	default:
	}
}

// pause waits; false when ctx ended.
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

// reach lets a test end the hub at this point.
func (c *Clerk) reach(point string) error {
	if c.crash == nil {
		return nil
	}
	return c.crash(point)
}
