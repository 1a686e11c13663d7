package flow

import (
	"context"
	"sync"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// Parking is what the lanes of an organisation know of its keys that cannot
// proceed (ADR 0007). While anything of a key lies in PARKED, every later event
// of it goes there too.
type Parking struct {
	Organisation string
	Bus          *bus.Bus
	Index        *index.Index
	// Deciding is that of the lanes.
	Deciding *sync.Mutex
	// Decided as for the lanes: told of what is returned.
	Decided func(*decision.Decision)
	// Current as for the lanes: tells who gets the receipt of what is returned.
	Current func() *Version
	Log     *zap.Logger

	mu    sync.Mutex
	keys  map[string]*heldKey // by token; nil until they are read
	edge  uint64              // up to where the edge stream is carried out
	ready chan struct{}       // closed when the edge stream's lane has caught up
	known bool                // to that lane: all that the trail says of it
	asked chan *ask           // what a person asks for
	// what the edge stream's lane owes to full mailboxes (owed.go); it says so
	// itself once it is at work
	owed      map[string]decision.Owed
	owedKnown bool
	crash     func(point string) // tests only
}

// heldKey is a key that is parked.
type heldKey struct {
	underway string // the act that empties it; "" for none
	marked   uint64 // sequence in PARKED of the last mark of an act that is known
	// round of the release underway: its events proceed, in order, until one
	// cannot; stopped is then its sequence in the edge stream.
	round   string
	stopped uint64
	last    uint64 // sequence in the edge stream of the round's last event
	// coming are events that are parked in the trail and not yet in PARKED.
	coming map[decision.Ref]bool
	moved  chan struct{} // something above has changed
	waits  *ask          // who waits for a return's end
	works  bool          // a goroutine does the act
}

func (k *heldKey) rouse() {
	select {
	case k.moved <- struct{}{}:
	default:
	}
}

// filter is where the messages of a key lie, whichever application sent them.
func (p *Parking) filter(token string) decision.ParkedKey {
	return decision.ParkedKey{Application: p.Organisation + ".*", Direction: decision.In, Token: token}
}

// open reads which keys are parked, and adds those that are not known yet. Each
// lane calls it when the owner before can write to PARKED no more: what that
// wrote last may come late.
func (p *Parking) open(ctx context.Context) error {
	p.Deciding.Lock() // no key becomes free between reading and adding
	defer p.Deciding.Unlock()
	subjects, err := p.Bus.Subjects(ctx, bus.Parked, p.filter("*").Subject())
	if err != nil {
		return err
	}
	marks, err := p.Bus.Subjects(ctx, bus.Parked, p.filter("*").Mark("*"))
	if err != nil {
		return err
	}
	lies := map[string]uint64{}
	for mark := range marks {
		last, err := p.Bus.Last(ctx, bus.Parked, mark)
		if err != nil {
			return err
		}
		if last != nil {
			lies[mark] = last.Seq
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.keys == nil
	if first {
		p.keys, p.ready, p.asked = map[string]*heldKey{}, make(chan struct{}), make(chan *ask)
	}
	for subject := range subjects {
		key, _, _ := decision.ReadParked(subject)
		p.key(key.Token)
	}
	if !first {
		return nil
	}
	for mark := range marks { // also of a key that is empty already: its act ends at once
		key, act, _ := decision.ReadParked(mark)
		k := p.key(key.Token)
		k.underway = decision.Later(k.underway, act)
		k.marked = max(k.marked, lies[mark])
	}
	return nil
}

// key gives a key that is parked; it is called with mu held.
func (p *Parking) key(token string) *heldKey {
	k := p.keys[token]
	if k == nil {
		k = newHeldKey()
		p.keys[token] = k
	}
	return k
}

func newHeldKey() *heldKey {
	return &heldKey{coming: map[decision.Ref]bool{}, moved: make(chan struct{}, 1)}
}

// holds tells whether an event that is to be decided now must not proceed: of a
// parked key only those that were released, in the round underway, and come
// before any that cannot. It is called with Deciding held.
func (p *Parking) holds(key string, m *event.Message) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ref, _ := send.ReadReleased(m)
	if ref == nil && len(p.keys) == 0 {
		return false
	}
	k := p.keys[event.KeyToken(key)]
	if ref != nil {
		return k == nil || k.round == "" || k.round != m.Get(event.HeaderRound) || k.stopped > 0
	}
	return k != nil
}

// any tells whether any key is parked.
func (p *Parking) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.keys) > 0
}

// has tells whether a key is parked.
func (p *Parking) has(token string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[token] != nil
}

// stops tells whether an event that was decided to go must wait after all,
// since one before it in its key could not be carried out.
func (p *Parking) stops(key string, d *decision.Decision) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.keys) == 0 {
		return false
	}
	k := p.keys[event.KeyToken(key)]
	return k != nil && (d.Released == nil || k.stopped > 0)
}

// stop holds up a key from the event of d on.
func (p *Parking) stop(d *decision.Decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.key(d.Key)
	if d.Released == nil {
		k.coming[decision.Ref{In: d.In, Seq: d.Seq}] = true
	} else if k.stopped == 0 {
		k.stopped = d.Seq
	}
}

// decided takes in a decision that is in the trail.
func (p *Parking) decided(d *decision.Decision) {
	if d.Outcome == hub.Parked && d.Released == nil {
		p.stop(d)
	}
}

// carried takes in that all of an in stream is carried out up to a sequence.
func (p *Parking) carried(in string, upTo uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.keys {
		for ref := range k.coming {
			if ref.In == in && ref.Seq <= upTo {
				delete(k.coming, ref)
				k.rouse()
			}
		}
	}
	if in != bus.EdgeStream(p.Organisation) {
		return
	}
	p.edge = upTo
	for _, k := range p.keys {
		if k.round != "" && upTo >= k.last {
			k.rouse()
		}
	}
	select {
	case <-p.ready:
	default:
		close(p.ready)
	}
}
