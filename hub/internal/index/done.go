package index

import (
	ones "math/bits"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// doneSet remembers which copies of a mailbox are settled, so that one which
// JetStream hands out again after a crash is not given to the receiver again.
// It lies in memory whole, a bit a copy: what OUT holds of a mailbox above its
// floor, and what PARKED holds of it, are bounded by these streams' sizes.
type doneSet struct {
	floor  uint64 // all at or below are settled, as JetStream says, but for parked ones
	above  bits
	parked bits // left the mailbox, but not settled yet
}

// bits is a set of sequences, 64 to a word.
type bits map[uint64]uint64

func (b bits) has(seq uint64) bool { return b[seq>>6]&(1<<(seq&63)) != 0 }

func (b bits) add(seq uint64) { b[seq>>6] |= 1 << (seq & 63) }

func (b bits) count() (n int) {
	for _, w := range b {
		n += ones.OnesCount64(w)
	}
	return n
}

func (b bits) remove(seq uint64) {
	if w := b[seq>>6] &^ (1 << (seq & 63)); w == 0 {
		delete(b, seq>>6)
	} else {
		b[seq>>6] = w
	}
}

// word names one word of a set, as it is kept on disk.
type word struct {
	mailbox string
	parked  bool
	at      uint64
}

func (x *Index) mailbox(name string) *doneSet {
	s := x.done[name]
	if s == nil {
		s = &doneSet{above: bits{}, parked: bits{}}
		x.done[name] = s
	}
	return s
}

// Delivered takes in an outcome recorded at sequence seq of TRAIL.
func (x *Index) Delivered(d *decision.Delivery, seq uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.take(seq) {
		return
	}
	s := x.mailbox(d.Mailbox)
	if d.Result == decision.Parked {
		s.parked.add(d.Out)
		x.changed[word{d.Mailbox, true, d.Out >> 6}] = struct{}{}
		x.press()
		return
	}
	if s.parked.has(d.Out) {
		s.parked.remove(d.Out)
		x.changed[word{d.Mailbox, true, d.Out >> 6}] = struct{}{}
	}
	if d.Out > s.floor {
		s.above.add(d.Out)
		x.changed[word{d.Mailbox, false, d.Out >> 6}] = struct{}{}
	}
	x.press()
}

// IsDone tells whether the copy at sequence out of OUT is settled.
func (x *Index) IsDone(mailbox string, out uint64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.done[mailbox]
	if s == nil || s.parked.has(out) {
		return false
	}
	return out <= s.floor || s.above.has(out)
}

// IsParked tells whether the copy at sequence out of OUT has left its mailbox
// for PARKED.
func (x *Index) IsParked(mailbox string, out uint64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.done[mailbox]
	return s != nil && s.parked.has(out)
}

// AnyDone tells whether a copy of a mailbox is remembered as settled that lies
// between two sequences of OUT, both exclusive.
func (x *Index) AnyDone(mailbox string, after, before uint64) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if s := x.done[mailbox]; s != nil {
		for at, w := range s.above {
			for ; w != 0; w &= w - 1 {
				if out := at<<6 | uint64(ones.TrailingZeros64(w)); after < out && out < before { //nolint:gosec // not negative
					return true
				}
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
	x.floors[mailbox] = struct{}{}
	for at := range s.above {
		if at <= out>>6 {
			if at < out>>6 || s.above[at]>>(out&63)>>1 == 0 {
				delete(s.above, at)
			} else {
				s.above[at] = s.above[at] >> (out & 63) >> 1 << (out & 63) << 1
			}
			x.changed[word{mailbox, false, at}] = struct{}{}
		}
	}
}
