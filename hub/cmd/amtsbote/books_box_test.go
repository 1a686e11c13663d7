package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// filed is what the books note of a copy.
type filed struct {
	id  string // of the delivery
	key int
	// place in the order of its key: the sequence in IN_alpha; 0 for what has none
	place uint64
}

// shelf is what lies at a subject of a stream, by sequence, until it was removed
// so long ago that a crash brings it back no more.
type shelf struct {
	at      map[uint64]filed
	checked uint64 // up to where removals were recorded
	gone    uint64 // messages that were recorded as removed, each once
	back    uint64 // those recorded again: a crash came before they were gone, or brought them back
}

// remembered is how many sequences behind the removed are remembered.
const remembered = 20_000

func newShelf() *shelf { return &shelf{at: map[uint64]filed{}} }

func (s *shelf) put(seq uint64, f filed) { s.at[seq] = f }

// removed compares a recorded range with what lies here: all that is new in it
// must be known and told of, each, in sequence. Only what was removed before can
// be recorded again.
func (s *shelf) removed(r decision.Range, each func(filed), fault func(string, ...any)) {
	fresh := uint64(0)
	for _, seq := range slices.Sorted(maps.Keys(s.at)) {
		switch {
		case seq <= s.checked:
			if seq+remembered < s.checked {
				delete(s.at, seq)
			}
		case seq < r.From:
			fault("%s %d was not removed, but what lies behind it", r.Subject, seq)
		case seq <= r.UpTo:
			if fresh++; each != nil {
				each(s.at[seq])
			}
		}
	}
	before := uint64(0) // so many may come again
	if r.From <= s.checked {
		before = s.gone
	}
	if r.Messages < fresh || r.Messages > fresh+before {
		fault("%d messages at %s from %d to %d were removed, known are %d; %d were removed before, up to %d",
			r.Messages, r.Subject, r.From, r.UpTo, fresh, s.gone, s.checked)
	}
	s.back += max(r.Messages, fresh) - fresh
	s.checked = max(s.checked, r.UpTo)
	s.gone += fresh
}

// left counts what was not recorded as removed.
func (s *shelf) left() (n int) {
	for seq := range s.at {
		if seq > s.checked {
			n++
		}
	}
	return n
}

// box is a mailbox: what was decided for it and what arrived, from two sides that
// do not wait for each other. Each delivery arrives once, and may arrive again
// only as the same stored copy.
type box struct {
	*shelf
	books  *books
	name   string
	want   map[string]bool // decided, and did not arrive yet
	early  map[string]bool // arrived before its decision was read
	last   map[int]uint64  // place of the last removed copy, by key
	copies int             // that arrived, each once
	again  int
}

func newBox(b *books, name string) *box {
	return &box{shelf: newShelf(), books: b, name: name, want: map[string]bool{}, early: map[string]bool{}, last: map[int]uint64{}}
}

func (b *box) wants(id string) {
	if b.early[id] {
		delete(b.early, id)
		return
	}
	if b.want[id] {
		b.books.fault("%s was decided twice", id)
	}
	b.want[id] = true
}

func (b *box) wanted(id string) bool { return b.want[id] }

// lies tells whether this very copy has arrived already.
func (b *box) lies(out uint64, id string) bool { return b.at[out].id == id }

// arrives takes in a copy at its sequence in OUT; 0 when it leaves by another way
// than removal.
func (b *box) arrives(out uint64, f filed) {
	if before, ok := b.at[out]; ok {
		if before != f {
			b.books.fault("%s: %s and %s are both copy %d of OUT", b.name, before.id, f.id, out)
		}
		b.again++
		return
	}
	if out > 0 && out <= b.checked {
		b.books.fault("%s got %s of OUT %d, which was removed or never told of: all is up to %d", b.name, f.id, out, b.checked)
		return
	}
	if out > 0 {
		b.put(out, f)
	}
	b.matches(f.id)
}

// matches counts an arrival. One that nobody decided on, or a second copy of one
// that has arrived, stays in early.
func (b *box) matches(id string) {
	b.copies++
	if b.want[id] {
		delete(b.want, id)
		return
	}
	if b.early[id] {
		b.books.fault("%s: %s is stored twice", b.name, id)
	}
	b.early[id] = true
}

// removed: all of the range arrived; and in the sequence in which copies were
// stored the events of a key are in order.
func (b *box) removed(r decision.Range) {
	b.shelf.removed(r, b.inOrder, b.books.fault)
}

func (b *box) inOrder(f filed) {
	if f.place == 0 {
		return
	}
	if last, ok := b.last[f.key]; ok && f.place <= last {
		b.books.fault("%s: place %d of key %d is stored behind %d", b.name, f.place, f.key, last)
	}
	b.last[f.key] = f.place
}

// open says what is missing or left over, "" for nothing.
func (b *box) open() string {
	if len(b.want)+len(b.early)+b.left() == 0 {
		return ""
	}
	first := func(ids map[string]bool) []string { // a few to look for
		return slices.Sorted(maps.Keys(ids))[:min(3, len(ids))]
	}
	return fmt.Sprintf("%s: %d did not arrive %v, %d arrived undecided or twice %v, %d are not removed",
		b.name, len(b.want), first(b.want), len(b.early), first(b.early), b.left())
}
