package quarantine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// RunRequest asks for one act on a group: every event of an application with one reason
// that lay there when the person looked.
type RunRequest struct {
	// Name tells the run from all others (NewRun): asked for twice it runs once.
	Name        string       `json:"name"`
	Act         string       `json:"act"` // ActQuarantineResubmit, -Return or -Discard
	Application string       `json:"app"`
	Code        refusal.Code `json:"code"`
	UpTo        uint64       `json:"upTo"`  // sequence in QUARANTINE of the last that the person has seen
	Total       uint64       `json:"total"` // how many there were
	Who         string       `json:"who"`
	Reason      string       `json:"reason"`
	At          time.Time    `json:"at"`
}

// NewRun makes the name of a run.
func NewRun() string { return nuid.Next() }

// Progress is how far a run has come.
type Progress struct {
	RunRequest
	// Done are those that it was done to, or that are gone; Left stay, since it cannot be
	// done to them.
	Done, Left uint64
	Why        map[Why]uint64 // they stay
	Stopped    bool           // by a person
	Ended      time.Time      // zero: it runs
}

// run is one that runs.
type run struct {
	Progress
	lies    uint64
	working bool
}

// Bulk are the acts that can be done to a group.
var Bulk = []string{decision.ActQuarantineResubmit, decision.ActQuarantineReturn, decision.ActQuarantineDiscard}

// Start has an act done to a group. It returns when that is stored: it goes on after a
// restart.
func (c *Clerk) Start(ctx context.Context, r RunRequest) error {
	if !c.CaughtUp() || c.marks() == nil {
		return &NotDone{Why: Starting}
	}
	if IsPersonal(r.Reason) {
		return &NotDone{Why: Personal}
	}
	if !slices.Contains(Bulk, r.Act) || len(r.Name) != nameLen {
		return fmt.Errorf("a run of %q named by %d characters", r.Act, len(r.Name))
	}
	end, err := c.Bus.LastSeq(ctx, bus.Quarantine)
	if err != nil {
		return err
	}
	r.UpTo = min(r.UpTo, end) // nobody has seen more
	r.At = c.Now().UTC().Truncate(time.Millisecond)
	c.mu.Lock()
	for _, other := range c.runs {
		if other.Application == r.Application && other.Code == r.Code && other.Name != r.Name {
			c.mu.Unlock()
			return &NotDone{Why: Taken}
		}
	}
	c.mu.Unlock()
	if had, err := c.had(ctx, decision.ActBulk, &r); err != nil || had {
		return err // it has run, or runs
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	lies, err := c.Bus.Append(context.WithoutCancel(ctx), []event.Message{{Subject: runRoot + r.Name, Data: data}}, 0)
	if errors.Is(err, bus.ErrFenced) {
		return nil
	}
	if err != nil {
		c.forget()
		return fmt.Errorf("store what is to be done to a group: %w", err)
	}
	c.mu.Lock()
	c.took(&run{Progress: Progress{RunRequest: r}, lies: lies})
	c.mu.Unlock()
	c.poke()
	return nil
}

// nameLen is how long a name of NewRun is.
const nameLen = 22

// took is called with mu held.
func (c *Clerk) took(r *run) {
	if c.runs == nil {
		c.runs = map[string]*run{}
	}
	if c.runs[r.Name] == nil {
		r.Why = map[Why]uint64{}
		c.runs[r.Name] = r
	}
}

// Stop ends a run between two events: what it was done to stays done. It is in the trail
// when Stop returns.
func (c *Clerk) Stop(ctx context.Context, name, who, reason string) error {
	c.mu.Lock()
	r := c.runs[name]
	c.mu.Unlock()
	if r == nil {
		return &NotDone{Why: Gone}
	}
	if err := c.tellRun(ctx, decision.ActBulkStop, &r.RunRequest, who, reason, 0); err != nil {
		return err
	}
	c.mu.Lock()
	r.Stopped = true
	c.mu.Unlock()
	return nil
}

// Runs are those that run and the last that have ended, the latest first.
func (c *Clerk) Runs() []Progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Progress
	for _, r := range c.runs {
		out = append(out, r.copied())
	}
	out = append(out, c.over...)
	slices.SortFunc(out, func(a, b Progress) int { return b.At.Compare(a.At) })
	return out
}

// copied is called with mu held.
func (r *run) copied() Progress {
	p := r.Progress
	p.Why = map[Why]uint64{}
	for why, n := range r.Why {
		p.Why[why] = n
	}
	return p
}

// had tells whether the trail says something of a run.
func (c *Clerk) had(ctx context.Context, act string, r *RunRequest) (bool, error) {
	a := &decision.Act{Act: act, Application: r.Application, Key: r.Name}
	m, err := c.Bus.Last(ctx, bus.Trail, a.Subject())
	return m != nil, err
}

// tellRun writes to the trail what becomes of a run, once.
func (c *Clerk) tellRun(ctx context.Context, act string, r *RunRequest, who, reason string, n uint64) error {
	m, err := trail.Act(&decision.Act{Act: act, Application: r.Application, Key: r.Name, Messages: n, Who: who, Reason: reason, At: c.Now().UTC()})
	if err != nil {
		return err
	}
	if _, err = c.Bus.Append(ctx, []event.Message{m}, 0); err != nil && !errors.Is(err, bus.ErrFenced) {
		return fmt.Errorf("record what becomes of a run over a group: %w", err)
	}
	return nil
}

// startRuns lets runs begin that are stored and do not work.
func (c *Clerk) startRuns(ctx context.Context, wg *sync.WaitGroup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.runs {
		if !r.working {
			r.working = true
			wg.Go(func() { c.runAll(ctx, r) })
		}
	}
}

// runAll brings a run to its end, or up to the end of ctx.
func (c *Clerk) runAll(ctx context.Context, r *run) {
	for ctx.Err() == nil {
		err := c.runOnce(ctx, r)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			c.Log.Warn("a run over a group in quarantine broke off; trying again", zap.String("run", r.Name), zap.Error(err))
		}
		pause(ctx, retry)
	}
}

// runOnce goes through what is left of the group. What the run before has done is gone
// from there.
func (c *Clerk) runOnce(ctx context.Context, r *run) error {
	if over, err := c.had(ctx, decision.ActBulkEnd, &r.RunRequest); err != nil {
		return err
	} else if over { // a crash came before it was taken away
		return c.endRun(ctx, r)
	}
	if err := c.tellRun(ctx, decision.ActBulk, &r.RunRequest, r.Who, r.Act+": "+r.Reason, r.Total); err != nil {
		return err
	}
	c.mu.Lock()
	r.Left, r.Why = 0, map[Why]uint64{}
	c.mu.Unlock()
	for after := uint64(0); ; {
		page, err := c.Bus.Page(ctx, bus.Quarantine, Filter(r.Application, r.Code), after, 1)
		if err != nil {
			return err
		}
		if len(page) == 0 || page[0].Seq > r.UpTo || c.isStopped(r) {
			return c.endRun(ctx, r)
		}
		after = page[0].Seq
		if err := c.runOne(ctx, r, after); err != nil {
			return err
		}
	}
}

func (c *Clerk) isStopped(r *run) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return r.Stopped
}

func (c *Clerk) runOne(ctx context.Context, r *run, seq uint64) error {
	if err := c.reach("run"); err != nil {
		return err
	}
	if ctx.Err() != nil { // an act that has begun goes on; a new one does not begin
		return ctx.Err()
	}
	out, err := c.Act(ctx, Request{Act: r.Act, Seq: seq, Who: r.Who, Reason: r.Reason, Application: r.Application, bulk: r.Name})
	no, notDone := errors.AsType[*NotDone](err)
	if err != nil && !notDone {
		return err
	}
	for out == Underway && err == nil && c.isOpen(seq) && !c.isStopped(r) { // one at a time, so that the next can be stopped
		if !pause(ctx, glance) {
			return ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case notDone && no.Why == Starting:
		return err
	case notDone:
		r.Left++
		r.Why[no.Why]++
	default:
		r.Done++
	}
	return nil
}

func (c *Clerk) isOpen(seq uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open == nil || c.open[seq] != nil
}

// ended is how many runs that have ended are remembered; the trail has all.
const ended = 20

func (c *Clerk) endRun(ctx context.Context, r *run) error {
	c.mu.Lock()
	done := r.Done
	c.mu.Unlock()
	if err := c.tellRun(ctx, decision.ActBulkEnd, &r.RunRequest, r.Who, r.Reason, done); err != nil {
		return err
	}
	if err := c.reach("run ended"); err != nil {
		return err
	}
	if err := c.Bus.Purge(ctx, bus.Quarantine, runRoot+r.Name, r.lies); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := r.copied()
	p.Ended = c.Now()
	c.over = append(c.over, p)
	c.over = c.over[max(0, len(c.over)-ended):]
	delete(c.runs, r.Name)
	return nil
}

// loadRuns reads what ran before a restart.
func (c *Clerk) loadRuns(ctx context.Context) error {
	subjects, err := c.Bus.Subjects(ctx, bus.Quarantine, runRoot+"*")
	if err != nil {
		return err
	}
	for subject := range subjects {
		m, err := c.Bus.Last(ctx, bus.Quarantine, subject)
		if err != nil {
			return err
		}
		r := &run{}
		if m == nil {
			continue
		}
		if err := json.Unmarshal(m.Data, &r.RunRequest); err != nil {
			return fmt.Errorf("read what runs at %s: %w", subject, err)
		}
		if organisationOf(r.Application) != c.Organisation {
			continue
		}
		r.lies = m.Seq
		if r.Stopped, err = c.had(ctx, decision.ActBulkStop, &r.RunRequest); err != nil {
			return err
		}
		rest, err := c.count(ctx, &r.RunRequest)
		if err != nil {
			return err
		}
		r.Done = r.Total - min(rest, r.Total)
		c.mu.Lock()
		c.took(r)
		c.mu.Unlock()
	}
	return nil
}

var errEnough = errors.New("counted far enough")

// count tells how many of a group are left.
func (c *Clerk) count(ctx context.Context, r *RunRequest) (n uint64, err error) {
	err = c.Bus.Headers(ctx, bus.Quarantine, 1, []string{Filter(r.Application, r.Code)}, func(m *event.Message) error {
		if m.Seq > r.UpTo {
			return errEnough
		}
		n++
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return n, err
}
