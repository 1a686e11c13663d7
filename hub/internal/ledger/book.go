package ledger

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"sync"
)

// span of sequences, both ends included.
type span struct{ from, to uint64 }

// Book is the account of one stream: what was stored there, in sequence and
// without a gap, and what was taken out of it on purpose.
type Book struct {
	stream, dir string
	seal        cipher.AEAD
	notes       *notes

	mu    sync.Mutex
	first uint64 // the first sequence that it covers; 0: none yet
	upTo  uint64 // the last one, also if it is not written yet
	early []told // told, but something before it was not
	buf   []byte // encoded, not written yet
	bufed span
	file  *os.File
	size  int64
	harm  string // what of the book could not be read when it was opened
}

// told is a span of entries that were told of, encoded.
type told struct {
	span
	raw []byte
}

// openBook opens or begins the book of a stream. What a crash has left of its
// last frame is cut off: the stream tells it again.
func openBook(dir, stream string, c cipher.AEAD) (*Book, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	n, err := openNotes(dir)
	if err != nil {
		return nil, err
	}
	b := &Book{stream: stream, dir: dir, seal: c, notes: n}
	if err := b.openLast(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the ledger of %s: %w", stream, err), n.close())
	}
	return b, nil
}

func (b *Book) openLast() error {
	list, err := segments(b.dir)
	if err != nil {
		return err
	}
	for ; len(list) > 0; list = list[:len(list)-1] {
		first := list[len(list)-1]
		path := segmentPath(b.dir, first)
		var last span
		good, err := eachFrame(path, b.seal, b.stream, func(s span, _ []byte) error {
			if last.to == 0 && s.from != first {
				return errTorn // a copy of another segment
			}
			last = s
			return nil
		})
		if err != nil && !errors.Is(err, errTorn) {
			return err
		}
		if good == 0 { // nothing of it can be read
			b.harm = "its last file could not be read"
			if err := os.Rename(path, path+unreadable); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			b.harm = fmt.Sprintf("what follows %d could not be read", last.to)
		}
		if err := os.Truncate(path, good); err != nil {
			return err
		}
		b.first, b.upTo, b.size = list[0], last.to, good
		b.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // our own data directory
		return err
	}
	return nil
}

// Stream is the one that the book is of.
func (b *Book) Stream() string { return b.stream }

// UpTo is the last sequence of the stream that the book covers, 0 for none.
func (b *Book) UpTo() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.upTo
}

// High is the highest sequence that the book or its notes name: so far the stream
// was.
func (b *Book) High() uint64 { return max(b.UpTo(), b.notes.high()) }

// Harm tells what of the book could not be read when it was opened; "" for
// nothing. What is behind UpTo then is not compared, but taken from the stream.
func (b *Book) Harm() string { return b.harm }

// First is the first one.
func (b *Book) First() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first
}

// Gap is what was not told of although later messages were: [from, to]; ok is
// false when there is none.
func (b *Book) Gap() (from, to uint64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.early) == 0 {
		return 0, 0, false
	}
	return b.upTo + 1, b.early[0].from - 1, true
}

// Begin says that a book without entries begins at sequence from.
func (b *Book) Begin(from uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first == 0 {
		b.first, b.upTo = max(from, 1), max(from, 1)-1
	}
}

// Flush writes what was told; with sync it is on disk then.
func (b *Book) Flush(sync bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flushed(sync)
}

// flushed is Flush. mu is held.
func (b *Book) flushed(sync bool) error {
	if err := b.flush(); err != nil {
		return err
	}
	if sync && b.file != nil {
		return b.file.Sync()
	}
	return nil
}

// onDisk brings the book to disk and tells how far it is.
func (b *Book) onDisk() (upTo uint64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.upTo, b.flushed(true)
}

// flush writes the buffer as a frame. mu is held.
func (b *Book) flush() error {
	if b.bufed.to == 0 {
		return nil
	}
	frame, err := seal(b.seal, b.stream, b.bufed, b.buf)
	if err != nil {
		return err
	}
	if err := b.segment(); err != nil {
		return err
	}
	n, err := b.file.Write(frame)
	b.size += int64(n)
	if err != nil {
		return b.cut(int64(n), err)
	}
	b.buf, b.bufed = b.buf[:0], span{}
	return nil
}

// cut takes back a frame of which n bytes were written.
func (b *Book) cut(n int64, err error) error {
	b.size -= n
	return errors.Join(fmt.Errorf("write the ledger of %s: %w", b.stream, err), b.file.Truncate(b.size))
}

// segment begins a new file when there is none or it is full. mu is held.
func (b *Book) segment() error {
	if b.file != nil && b.size < segmentSize {
		return nil
	}
	if b.file != nil {
		if err := errors.Join(b.file.Sync(), b.file.Close()); err != nil {
			return err
		}
		b.file = nil
	}
	f, err := os.OpenFile(segmentPath(b.dir, b.bufed.from), os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	b.file, b.size = f, 0
	return nil
}

// Forget lets go of segments that lie wholly below a sequence: the stream has
// nothing there any more.
func (b *Book) Forget(below uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	list, err := segments(b.dir)
	if err != nil {
		return err
	}
	for len(list) > 1 && list[1] <= below {
		if err := os.Remove(segmentPath(b.dir, list[0])); err != nil {
			return err
		}
		list = list[1:]
		b.first = list[0]
	}
	return b.notes.forget(b.first)
}

// Drop empties the book: it begins anew with what the stream tells. Its files are
// kept, since they may hold what nothing else does.
func (b *Book) Drop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	list, err := segments(b.dir)
	if err != nil {
		return err
	}
	if b.file != nil {
		err = b.file.Close()
	}
	for _, first := range list {
		path := segmentPath(b.dir, first)
		err = errors.Join(err, os.Rename(path, path+unreadable))
	}
	b.first, b.upTo, b.early, b.buf, b.bufed, b.file, b.size = 0, 0, nil, nil, span{}, nil, 0
	return err
}

func (b *Book) close() error {
	err := errors.Join(b.Flush(true), b.notes.close())
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file != nil {
		err = errors.Join(err, b.file.Close())
		b.file = nil
	}
	return err
}

// Each gives every entry in sequence, also of what was taken out since. It sees
// what was told before it began. ErrLedger means that the ledger itself is
// damaged.
func (b *Book) Each(fn func(*Entry) error) error { return b.EachFrom(0, fn) }

// EachFrom is Each from a sequence on.
func (b *Book) EachFrom(from uint64, fn func(*Entry) error) error {
	if err := b.Flush(false); err != nil {
		return err
	}
	list, err := segments(b.dir)
	if err != nil {
		return err
	}
	end := uint64(0)
	for i, first := range list {
		if i+1 < len(list) && list[i+1] <= from {
			end = list[i+1] - 1
			continue
		}
		_, err := eachFrame(segmentPath(b.dir, first), b.seal, b.stream, func(s span, raw []byte) error {
			if end == 0 && s.from != first {
				return fmt.Errorf("%w: %s begins with a copy of another file", ErrLedger, b.stream)
			}
			if end != 0 && s.from != end+1 {
				return fmt.Errorf("%w: %s from %d to %d is missing", ErrLedger, b.stream, end+1, s.from-1)
			}
			end = s.to
			return eachEntry(raw, from, fn)
		})
		if errors.Is(err, errTorn) {
			return fmt.Errorf("%w: %s behind %d: %w", ErrLedger, b.stream, end, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ErrLedger means that the ledger itself is damaged.
var ErrLedger = errors.New("the ledger is damaged")

func eachEntry(raw []byte, from uint64, fn func(*Entry) error) error {
	for len(raw) > 0 {
		e, rest, err := readEntry(raw)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrLedger, err)
		}
		raw = rest
		if e.Seq < from {
			continue
		}
		if err := fn(&e); err != nil {
			return err
		}
	}
	return nil
}
