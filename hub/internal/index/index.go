// Package index holds projections of the trail: which events were seen, and
// which copies are done. The streams are the truth; what stands here can be
// made again by reading the trail from its beginning.
//
// This first form lives in memory and is read anew at each start; a later one
// keeps its place on disk behind the same methods.
package index

import (
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Horizon is how long an event's identity is remembered.
const Horizon = 30 * 24 * time.Hour

// Index is safe for concurrent use.
type Index struct {
	mu      sync.RWMutex
	applied uint64
	seen    map[event.Identity]Seen
	order   []aged
	done    map[string]*doneSet
}

// Seen is what is known of an event identity.
type Seen struct {
	Digest  string
	Outcome hub.Outcome
	Code    refusal.Code // of Outcome
	Ref     decision.Ref
	// Conflict is the digest of the last other content that came under the same
	// identity and was refused for it; "" if there was none.
	Conflict string
	// At is when it was last decided; it is forgotten a Horizon later.
	At time.Time
}

type aged struct {
	id event.Identity
	at time.Time
}

// New makes an empty index.
func New() *Index {
	return &Index{seen: map[event.Identity]Seen{}, done: map[string]*doneSet{}}
}

// Applied is the sequence in TRAIL up to which the index has read.
func (x *Index) Applied() uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.applied
}

// Apply takes a message of TRAIL in. Messages that were taken in already change
// nothing.
func (x *Index) Apply(m *event.Message) error {
	switch decision.Kind(m.Subject) {
	case decision.KindDecision:
		d, err := trail.ReadDecision(m)
		if err != nil {
			return err
		}
		x.Decided(d, m.Seq)
	case decision.KindDelivery:
		d, err := trail.ReadDelivery(m)
		if err != nil {
			return err
		}
		x.Delivered(d, m.Seq)
	default: // cursors, and kinds of a later version
		x.reach(m.Seq)
	}
	return nil
}

func (x *Index) reach(seq uint64) {
	x.mu.Lock()
	x.applied = max(x.applied, seq)
	x.mu.Unlock()
}

// Decided takes in a decision recorded at sequence seq of TRAIL.
func (x *Index) Decided(d *decision.Decision, seq uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.applied = max(x.applied, seq)
	if !d.Remembered() {
		return
	}
	id := event.IdentityOf(d.Source, d.ID)
	x.seen[id] = After(x.seen[id], d)
	x.order = append(x.order, aged{id, d.Decided})
	x.forget(d.Decided.Add(-Horizon))
}

// After gives what is known of an identity after decision d.
func After(before Seen, d *decision.Decision) Seen {
	if d.Code == refusal.Conflict {
		before.Conflict = d.Digest
		return before
	}
	return Seen{Digest: d.Digest, Outcome: d.Outcome, Code: d.Code, Ref: d.Place(), At: d.Decided}
}

// forget drops identities that were last decided before limit; one that was
// decided again later stands in order once more and stays.
func (x *Index) forget(limit time.Time) {
	for len(x.order) > 0 && x.order[0].at.Before(limit) {
		if id := x.order[0].id; x.seen[id].At.Before(limit) {
			delete(x.seen, id)
		}
		x.order = x.order[1:]
	}
}

// Lookup tells what is known of an identity.
func (x *Index) Lookup(id event.Identity) (Seen, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s, ok := x.seen[id]
	return s, ok
}
