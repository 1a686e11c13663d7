package ledger

import (
	"cmp"
	"slices"
)

// bufSize is how much waits to be written at most.
const bufSize = 1 << 20

// Add tells that the stream holds just these entries from sequence from to
// sequence to. What the book has already is left as it is.
func (b *Book) Add(from, to uint64, entries []Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first == 0 {
		b.first, b.upTo = from, from-1
	}
	from = max(from, b.upTo+1)
	if from > to {
		return
	}
	if from == b.upTo+1 && len(b.early) == 0 { // as nearly always
		b.buf = slices.Grow(b.buf, room(entries))
		b.reached(from, to)
		b.buf = encoded(b.buf, from, to, entries)
	} else {
		b.later(told{span: span{from, to}, raw: encoded(make([]byte, 0, room(entries)), from, to, entries)})
	}
	if len(b.buf) > bufSize {
		_ = b.flush() // it stays, and the next Flush tells
	}
}

// encoded appends the entries of a span to buf.
func encoded(buf []byte, from, to uint64, entries []Entry) []byte {
	for i := range entries {
		if entries[i].Seq >= from && entries[i].Seq <= to {
			buf = entries[i].append(buf)
		}
	}
	return buf
}

// later takes in a span before which others may be missing, and all that follow by it.
// mu is held.
func (b *Book) later(t told) {
	i, there := slices.BinarySearchFunc(b.early, t, func(a, t told) int { return cmp.Compare(a.from, t.from) })
	if there && b.early[i].to >= t.to {
		return
	}
	b.early = slices.Insert(b.early, i, t)
	for len(b.early) > 0 && b.early[0].from <= b.upTo+1 {
		b.take(b.early[0])
		b.early = b.early[1:]
	}
}

// room is how many bytes these entries take at most.
func room(entries []Entry) (n int) {
	for i := range entries {
		n += entries[i].room()
	}
	return n
}

// take brings a span that follows into the buffer. mu is held.
func (b *Book) take(t told) {
	if t.to <= b.upTo {
		return
	}
	if t.from <= b.upTo { // told twice, in other spans
		t = t.behind(b.upTo)
	}
	b.reached(t.from, t.to)
	b.buf = append(b.buf, t.raw...)
}

// reached says that the buffer holds a span that follows. mu is held.
func (b *Book) reached(from, to uint64) {
	if b.bufed.to == 0 {
		b.bufed.from = from
	}
	b.bufed.to, b.upTo = to, to
}

// behind is what of t comes behind a sequence.
func (t told) behind(seq uint64) told {
	out := told{span: span{seq + 1, t.to}}
	for rest := t.raw; len(rest) > 0; {
		e, next, err := readEntry(rest)
		if err != nil {
			break // we encoded it
		}
		if e.Seq > seq {
			out.raw = append(out.raw, rest[:len(rest)-len(next)]...)
		}
		rest = next
	}
	return out
}
