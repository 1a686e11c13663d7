package index

import "github.com/amtsbote/amtsbote/hub/internal/decision"

// doneSet remembers which copies of a mailbox are settled, so that one which
// JetStream hands out again after a crash is not given to the receiver again.
type doneSet struct {
	floor  uint64 // all at or below are settled, as JetStream says, but for parked ones
	above  map[uint64]struct{}
	parked map[uint64]struct{} // left the mailbox, but not settled yet
}

// Delivered takes in an outcome recorded at sequence seq of TRAIL.
func (x *Index) Delivered(d *decision.Delivery, seq uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.applied = max(x.applied, seq)
	s := x.done[d.Mailbox]
	if s == nil {
		s = &doneSet{above: map[uint64]struct{}{}, parked: map[uint64]struct{}{}}
		x.done[d.Mailbox] = s
	}
	if d.Result == decision.Parked {
		s.parked[d.Out] = struct{}{}
		return
	}
	delete(s.parked, d.Out)
	if d.Out > s.floor {
		s.above[d.Out] = struct{}{}
	}
}

// IsDone tells whether the copy at sequence out of OUT is settled.
func (x *Index) IsDone(mailbox string, out uint64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.done[mailbox]
	if s == nil {
		return false
	}
	if _, parked := s.parked[out]; parked {
		return false
	}
	_, ok := s.above[out]
	return ok || out <= s.floor
}

// AnyDone tells whether a copy of a mailbox is remembered as settled that lies
// between two sequences of OUT, both exclusive.
func (x *Index) AnyDone(mailbox string, after, before uint64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if s := x.done[mailbox]; s != nil {
		for out := range s.above {
			if after < out && out < before {
				return true
			}
		}
	}
	return false
}

// Floor tells the index that JetStream will not hand out copies of a mailbox at
// or below sequence out again: they need not be remembered one by one.
func (x *Index) Floor(mailbox string, out uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.done[mailbox]
	if s == nil || out <= s.floor {
		return
	}
	s.floor = out
	for seq := range s.above {
		if seq <= out {
			delete(s.above, seq)
		}
	}
}
