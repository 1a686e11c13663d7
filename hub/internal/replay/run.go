package replay

import (
	"maps"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// By is who acts.
type By struct {
	Who string // under what name, for the trail
	// Person is a token that is the same for one person however it is named; "" when
	// nothing but the name is known.
	Person string
}

// Same tells whether two are one person, as far as is known.
func (b By) Same(other By) bool {
	return strings.EqualFold(b.Who, other.Who) || b.Person != "" && b.Person == other.Person
}

// Step is what somebody did with a replay.
type Step struct {
	By
	Reason string
	At     time.Time
}

// State is where a replay stands.
type State string

// The states.
const (
	Requested  State = "requested" // waits for a second person
	Lapsed     State = "lapsed"    // waited for too long
	Rejected   State = "rejected"  // by the second person
	Running    State = "running"   // approved; one of its receiver goes after the other
	Cancelling State = "cancelling"
	Cancelled  State = "cancelled"
	Done       State = "done"
)

// LapsesAfter is how long a request waits for a second person: what was counted and
// why it was wanted does not stay true for ever.
const LapsesAfter = 72 * time.Hour

// Run is one replay, as the trail tells of it.
type Run struct {
	ID string
	decision.Replay
	Request Step
	// Approved, Rejected and Cancelled are nil until somebody does so.
	Approved, Rejected, Cancelled *Step
	Ended                         time.Time // zero: not yet
	// Counts are what was decided so far; Expected what the dry run found.
	Counts, Expected decision.ReplayCounts
	// Waits tells that it waits for room in the mailbox; Queued that another replay to the
	// receiver comes first.
	Waits, Queued bool

	at      uint64 // of the request in TRAIL
	granted uint64 // of the approval
}

// State tells where the replay stands.
func (r *Run) State(now time.Time) State {
	switch {
	case r.Rejected != nil:
		return Rejected
	case !r.Ended.IsZero() && r.Cancelled != nil, r.Approved == nil && r.Cancelled != nil:
		return Cancelled
	case !r.Ended.IsZero():
		return Done
	case r.Approved != nil && r.Cancelled != nil:
		return Cancelling
	case r.Approved != nil:
		return Running
	case now.Sub(r.Request.At) > LapsesAfter:
		return Lapsed
	}
	return Requested
}

// works tells whether there is still something to do.
func (r *Run) works() bool { return r.Approved != nil && r.Ended.IsZero() }

// open tells whether the run may still become work.
func (r *Run) open(now time.Time) bool {
	s := r.State(now)
	return s == Requested || s == Running || s == Cancelling
}

// copy is what others may keep.
func (r *Run) copy() *Run {
	c := *r
	c.Counts, c.Expected = maps.Clone(r.Counts), maps.Clone(r.Expected)
	return &c
}

// count takes in a record of the run.
func (r *Run) count(rec *decision.Replayed) {
	if r.Counts == nil {
		r.Counts = decision.ReplayCounts{}
	}
	if rec.Amends && r.Counts[decision.ReplayGoes] > 0 {
		r.Counts[decision.ReplayGoes]--
	}
	r.Counts[rec.Verdict]++
}

// take takes in an act, stored at a sequence of TRAIL. The first of its kind counts,
// and none after the end: so reading the trail again gives the same.
func (e *Engine) take(a *decision.Act, at uint64) {
	if a.Replay == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	step := Step{By{a.Who, a.Replay.Person}, a.Reason, a.At}
	r := e.runs[a.Key]
	if r == nil {
		if a.Act == decision.ActReplayRequest {
			e.add(&Run{ID: a.Key, Replay: *a.Replay, Request: step, Expected: a.Replay.Counts, at: at})
		}
		return
	}
	first := func(s **Step) {
		if *s == nil && r.Ended.IsZero() && r.Rejected == nil {
			*s = &step
		}
	}
	switch a.Act {
	case decision.ActReplayApprove:
		if r.Cancelled == nil && r.Approved == nil {
			first(&r.Approved)
			r.granted = at
		}
	case decision.ActReplayReject:
		if r.Approved == nil {
			first(&r.Rejected)
		} else { // by who did not know of the approval, whose answer was lost
			first(&r.Cancelled)
		}
	case decision.ActReplayCancel:
		first(&r.Cancelled)
	case decision.ActReplayEnd:
		if r.Ended.IsZero() {
			r.Ended, r.Counts, r.Waits = a.At, a.Replay.Counts, false
		}
	}
	e.tell()
}

// kept is how many replays that have ended are remembered; the trail knows all.
const kept = 200

// add is called with mu held.
func (e *Engine) add(r *Run) {
	e.runs[r.ID] = r
	e.order = append(e.order, r.ID)
	ended := 0
	for _, id := range e.order {
		if !e.runs[id].open(e.Now()) {
			ended++
		}
	}
	for i := 0; i < len(e.order) && ended > kept; {
		if id := e.order[i]; !e.runs[id].open(e.Now()) {
			delete(e.runs, id)
			e.order = append(e.order[:i], e.order[i+1:]...)
			ended--
			continue
		}
		i++
	}
}
