// Package index holds projections of the trail: which events were seen, and
// which copies are done. The streams are the truth; what stands here can be
// made again by reading the trail from its beginning.
//
// An Index that was opened on a directory keeps there what it has taken in,
// together with the sequence up to which it has read the trail: both change in
// one write, so after a crash it stands at an earlier sequence and reads on from
// there. Nothing is synced for its sake. What lanes and mailboxes tell it is
// known at once and goes to disk later, by one goroutine. A directory that is
// damaged, of another version, or of another store is emptied and filled from
// the trail.
package index

import (
	"errors"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Horizon is how long an event's identity is remembered, unless Options say
// otherwise.
const Horizon = 30 * 24 * time.Hour

// Index is safe for concurrent use.
type Index struct {
	horizon time.Duration
	disk    *disk // nil: in memory alone

	mu    sync.RWMutex
	reach reach
	// newest is when the latest decision was made, in seconds. What is a horizon
	// older is forgotten: so the trail alone says what is known.
	newest int64
	fresh  map[event.Identity]Seen // not on disk yet
	done   map[string]*doneSet
	// changed words and floors of done, not on disk yet.
	changed map[word]struct{}
	floors  map[string]struct{}
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
	// At is when it was last decided, to the second; it is forgotten a horizon
	// later.
	At time.Time
}

// New makes an empty index in memory alone. It grows with the trail.
func New() *Index {
	return &Index{
		horizon: Horizon, fresh: map[event.Identity]Seen{}, done: map[string]*doneSet{},
		changed: map[word]struct{}{}, floors: map[string]struct{}{},
	}
}

// Applied is the sequence in TRAIL up to which the index has taken in every
// message.
func (x *Index) Applied() uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.reach.upTo
}

// Gap gives the first messages of TRAIL that were not taken in though later ones
// were; ok is false when there are none. Its writer may be about to tell of
// them.
func (x *Index) Gap() (from, to uint64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if len(x.reach.above) == 0 {
		return 0, 0, false
	}
	return x.reach.upTo + 1, x.reach.above[0].from - 1, true
}

// Apply takes a message of TRAIL in. Messages that were taken in already change
// nothing.
func (x *Index) Apply(m *event.Message) error {
	switch decision.Kind(m.Subject) {
	case decision.KindDecision:
		ds, err := trail.ReadDecisions(m)
		if err != nil {
			return err
		}
		x.Decided(m.Seq, ds...)
	case decision.KindDelivery:
		d, err := trail.ReadDelivery(m)
		if err != nil {
			return err
		}
		x.Delivered(d, m.Seq)
	default: // cursors, acts, and kinds of a later version
		x.Reached(m.Seq, m.Seq)
	}
	return x.Err()
}

// Reached tells that the messages of TRAIL from one sequence to another hold
// nothing for the index.
func (x *Index) Reached(from, to uint64) {
	x.mu.Lock()
	x.reach.add(from, to)
	x.mu.Unlock()
}

// take tells whether the message at seq is new, and notes it.
func (x *Index) take(seq uint64) bool {
	if x.reach.has(seq) {
		return false
	}
	x.reach.add(seq, seq)
	return true
}

// Decided takes in the decisions recorded at sequence seq of TRAIL, all of them.
func (x *Index) Decided(seq uint64, ds ...*decision.Decision) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.take(seq) {
		return
	}
	for _, d := range ds {
		x.decided(d)
	}
	x.press()
}

func (x *Index) decided(d *decision.Decision) {
	if !d.Remembered() {
		return
	}
	id := event.IdentityOf(d.Source, d.ID)
	var before Seen
	if d.Code == refusal.Conflict {
		before, _ = x.lookup(id)
	}
	x.fresh[id] = After(before, d)
	x.known(id)
	x.newest = max(x.newest, d.Decided.Unix())
}

// After gives what is known of an identity after decision d.
func After(before Seen, d *decision.Decision) Seen {
	if d.Code == refusal.Conflict {
		before.Conflict = d.Digest
		return before
	}
	return Seen{
		Digest: d.Digest, Outcome: d.Outcome, Code: d.Code, Ref: d.Place(), At: d.Decided.Truncate(time.Second),
	}
}

// Lookup tells what is known of an identity. Whoever acts upon it asks Err
// afterwards: with a damaged index it means nothing.
func (x *Index) Lookup(id event.Identity) (Seen, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.lookup(id)
}

// lookup is called with mu held.
func (x *Index) lookup(id event.Identity) (Seen, bool) {
	s, ok := x.fresh[id]
	if !ok && x.disk != nil {
		s, ok = x.disk.find(id)
	}
	if !ok || s.At.Unix() < x.limit() {
		return Seen{}, false
	}
	return s, true
}

// limit is since when identities are remembered, in seconds.
func (x *Index) limit() int64 { return x.newest - int64(x.horizon/time.Second) }

// Err tells whether the index is damaged: an ErrDamaged, or nil.
func (x *Index) Err() error {
	if x.disk == nil {
		return nil
	}
	return x.disk.failure()
}

// ErrDamaged means that the index could not be read or written. The next Open
// empties it.
var ErrDamaged = errors.New("the index is damaged; it is built anew from the trail at the next start")
