package ledger

import (
	"errors"
	"time"
)

// What the ledger notes of itself lies beside its books, so that a book that is
// lost is missed: how far each was on disk, and what a start has found and nobody
// was told of yet.

// reachEvery is how often it is noted how far the books are; a new one is at once.
const reachEvery = time.Minute

// New tells that the ledger was not there before.
func (l *Ledger) New() bool {
	l.own.mu.Lock()
	defer l.own.mu.Unlock()
	return len(l.own.reach) == 0
}

// Reach is the sequence up to which a stream's book was on disk for certain: one
// that ends earlier was damaged. ok is false when nothing was noted of it.
func (l *Ledger) Reach(stream string) (upTo uint64, ok bool) {
	l.own.mu.Lock()
	defer l.own.mu.Unlock()
	upTo, ok = l.own.reach[stream]
	return upTo, ok
}

// High is the highest sequence of a stream that the ledger names: so far it was.
func (l *Ledger) High(stream string) (uint64, error) {
	b, err := l.Book(stream)
	if err != nil {
		return 0, err
	}
	reach, _ := l.Reach(stream)
	return max(reach, b.High()), nil
}

// Reached notes how far the books are, once they are on disk.
func (l *Ledger) Reached() error {
	var errs []error
	var list []note
	for _, b := range l.all() {
		noted, known := l.Reach(b.stream)
		if known && noted >= b.UpTo() {
			continue
		}
		upTo, err := b.onDisk()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, note{Book: b.stream, UpTo: upTo})
	}
	if len(list) > 0 {
		errs = append(errs, l.own.write(list...))
	}
	return errors.Join(errs...)
}

// young tells whether a book has its first entries, and that is not noted.
func (l *Ledger) young() bool {
	for _, b := range l.all() {
		if noted, _ := l.Reach(b.stream); noted == 0 && b.UpTo() > 0 {
			return true
		}
	}
	return false
}

// SetBlind notes why not all of a stream could be compared, until CloseUp.
func (l *Ledger) SetBlind(stream, why string) error {
	return l.own.write(note{Blind: stream, Why: why})
}

// Blind is what SetBlind noted; "" for nothing.
func (l *Ledger) Blind(stream string) string {
	l.own.mu.Lock()
	defer l.own.mu.Unlock()
	return l.own.blind[stream]
}

// SetOpen notes that a stream has lost these sequences, both included, though no
// book tells of them, until CloseUp.
func (l *Ledger) SetOpen(stream string, from, to uint64) error {
	return l.own.write(note{Open: stream, Lost: from, UpTo: to})
}

// Opened lists what SetOpen noted, in sequence.
func (l *Ledger) Opened(stream string) (seqs []uint64) {
	l.own.mu.Lock()
	defer l.own.mu.Unlock()
	for _, s := range l.own.open[stream] {
		for seq := s.from; seq <= s.to; seq++ {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

// CloseUp notes that what was set of a stream was told, and is settled.
func (l *Ledger) CloseUp(stream string) error {
	if l.Blind(stream) == "" && len(l.Opened(stream)) == 0 {
		return nil
	}
	return l.own.write(note{Closed: stream})
}
