// Package ledger is the hub's own account of what each stream must hold. The
// server does not tell of a block that it lost or of a bit that flipped: it
// leaves out the messages, and may even give their sequences to others. So the
// hub writes down beside the store what was stored and what it removed, and
// compares at start (package mend; ADR 0011).
//
// A Book covers its stream without a gap up to a sequence. It is written behind:
// after a crash it may end earlier than the stream, and the stream tells it the
// rest. Removals are noted, and synced, before they happen.
package ledger

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// flushEvery is how long what was told stays in memory at most.
const flushEvery = time.Second

// Ledger is the books of all streams.
type Ledger struct {
	dir  string
	seal cipher.AEAD
	log  *zap.Logger
	own  *notes // how far its books are, and what is open: open.go

	mu    sync.Mutex
	books map[string]*Book
}

// Open opens the ledger in dir, or begins it. key is 32 bytes.
func Open(dir string, key []byte, log *zap.Logger) (*Ledger, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	c, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	l := &Ledger{dir: filepath.Join(dir, "books"), seal: c, log: log, books: map[string]*Book{}}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	files, err := os.ReadDir(l.dir)
	if err == nil {
		l.own, err = openNotes(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	for _, f := range files {
		if _, err := l.Book(f.Name()); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// Book gives the book of a stream, a new one if need be.
func (l *Ledger) Book(stream string) (*Book, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.books[stream]; b != nil {
		return b, nil
	}
	b, err := openBook(filepath.Join(l.dir, stream), stream, l.seal)
	if err != nil {
		return nil, err
	}
	l.books[stream] = b
	return b, nil
}

// Streams lists those that have a book or had one, in order.
func (l *Ledger) Streams() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own.mu.Lock()
	defer l.own.mu.Unlock()
	names := slices.AppendSeq(slices.Collect(maps.Keys(l.books)), maps.Keys(l.own.reach))
	slices.Sort(names)
	return slices.Compact(names)
}

// Stored tells that msgs lie in stream from sequence first on.
func (l *Ledger) Stored(stream string, first uint64, msgs []event.Message) {
	entries := make([]Entry, len(msgs))
	for i := range msgs {
		entries[i] = entryOf(&msgs[i], first+uint64(i))
	}
	l.add(stream, first, first+uint64(len(msgs))-1, entries)
}

// Holds tells that stream holds msgs and nothing else from sequence from to
// sequence to.
func (l *Ledger) Holds(stream string, from, to uint64, msgs []*event.Message) {
	entries := make([]Entry, len(msgs))
	for i, m := range msgs {
		entries[i] = entryOf(m, m.Seq)
	}
	l.add(stream, from, to, entries)
}

func (l *Ledger) add(stream string, from, to uint64, entries []Entry) {
	b, err := l.Book(stream)
	if err != nil {
		l.log.Error("ledger", zap.String("stream", stream), zap.Error(err))
		return
	}
	b.Add(from, to, entries)
}

// Removing notes that what fits filter goes from stream, up to a sequence.
func (l *Ledger) Removing(stream, filter string, upTo uint64) error {
	return l.note(stream, note{Removed: filter, UpTo: upTo})
}

// Deleting notes that one message goes.
func (l *Ledger) Deleting(stream string, seq uint64) error {
	return l.note(stream, note{Deleted: seq})
}

func (l *Ledger) note(stream string, list ...note) error {
	b, err := l.Book(stream)
	if err != nil {
		return err
	}
	return b.notes.write(list...)
}

// Settle notes that nothing is expected any more at these sequences of stream:
// what was lost is restored elsewhere, or was given up.
func (l *Ledger) Settle(stream string, seqs []uint64) error {
	slices.Sort(seqs)
	var list []note
	for _, seq := range seqs {
		if n := len(list); n > 0 && list[n-1].UpTo+1 == seq {
			list[n-1].UpTo = seq
			continue
		}
		list = append(list, note{Lost: seq, UpTo: seq})
	}
	if len(list) == 0 {
		return nil
	}
	return l.note(stream, list...)
}

// Told is up to where the ledger was told what stream holds; ok is false if it cannot be read.
func (l *Ledger) Told(stream string) (upTo uint64, ok bool) {
	b, err := l.Book(stream)
	if err != nil {
		return 0, false
	}
	return b.UpTo(), true
}

// Settled tells whether seq of stream was.
func (l *Ledger) Settled(stream string, seq uint64) bool {
	b, err := l.Book(stream)
	if err != nil {
		return false
	}
	b.notes.mu.Lock()
	defer b.notes.mu.Unlock()
	return b.notes.isLost(seq)
}

// Gone tells whether a message of the book's stream was taken out on purpose.
func (b *Book) Gone(subject string, seq uint64) bool { return b.notes.gone(subject, seq) }

// Removed is Gone without what was lost and settled.
func (b *Book) Removed(subject string, seq uint64) bool { return b.notes.removed(subject, seq) }

// Floors notes up to where mailboxes have acknowledged the copies in stream.
func (l *Ledger) Floors(stream string, floors map[string]uint64) error {
	b, err := l.Book(stream)
	if err != nil {
		return err
	}
	var list []note
	b.notes.mu.Lock()
	for name, floor := range floors {
		if floor > b.notes.floors[name] {
			list = append(list, note{Mailbox: name, UpTo: floor})
		}
	}
	b.notes.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	return b.notes.write(list...)
}

// Floor is what Floors noted last of a mailbox; 0 for nothing.
func (l *Ledger) Floor(stream, mailbox string) uint64 {
	b, err := l.Book(stream)
	if err != nil {
		return 0
	}
	b.notes.mu.Lock()
	defer b.notes.mu.Unlock()
	return b.notes.floors[mailbox]
}

// Run writes what is told until ctx ends. A ledger that cannot be written is
// told to the log; it goes on with the next try.
func (l *Ledger) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	bad := false
	reached := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := l.Flush()
		if err == nil && (l.young() || time.Since(reached) > reachEvery) {
			err, reached = l.Reached(), time.Now()
		}
		if err != nil && !bad {
			l.log.Error("the ledger cannot be written; trying again", zap.Error(err))
		}
		bad = err != nil
	}
}

// Flush writes what was told.
func (l *Ledger) Flush() error {
	var errs []error
	for _, b := range l.all() {
		errs = append(errs, b.Flush(false))
	}
	return errors.Join(errs...)
}

func (l *Ledger) all() []*Book {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.books))
}

// Close writes and syncs everything.
func (l *Ledger) Close() error {
	errs := []error{l.Reached()}
	for _, b := range l.all() {
		errs = append(errs, b.close())
	}
	return errors.Join(append(errs, l.own.close())...)
}
