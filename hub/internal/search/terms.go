package search

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"unicode"

	"github.com/cockroachdb/pebble/v2"
)

// Term is what a caller may have of an event besides its id and case: a file reference, a
// message's UUID. It is kept as a keyed hash, as long as the event's payload is.
type Term struct {
	Art     string // what it is: aktenzeichen (schemas.Suchbar)
	Pointer string // where in the payload; AttributePlace and a name for an attribute
	Value   string
}

// AttributePlace begins the Pointer of a term that is an attribute.
const AttributePlace = "@"

// Found is what an event's payload holds.
type Found struct {
	Event
	Subject string // of its message
	Terms   []Term
}

// Hit is an event that a term has led to.
type Hit struct {
	Event
	Art, Pointer string
}

const (
	keyTerm    = 't' // keyed hash, newest first: what it is and where
	keyHeld    = 'h' // in stream and sequence: the hashes of an event
	keyRemoval = 'r' // sequence in TRAIL: what was removed and is not forgotten yet
	keyLearnt  = 'l' // the place up to which payloads were read
)

// hash is the keyed hash of a value as people write it: case and spaces do not count.
func (x *Index) hash(value string) []byte {
	mac := hmac.New(sha256.New, x.opts.Key)
	mac.Write([]byte(plain(value)))
	return mac.Sum(nil)[:hashLen]
}

func plain(value string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf) {
			return -1
		}
		return unicode.ToLower(r)
	}, value)
}

// keyMark tells a key from another one, and nothing of it; "" for none.
func keyMark(key []byte) string {
	if len(key) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("amtsbote search key mark"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

func heldKey(in string, seq uint64) []byte {
	return key(keyHeld, hashed(in), binary.BigEndian.AppendUint64(nil, seq))
}

// learn writes the terms of events, and that payloads were read up to a place.
func (x *Index) learn(found []Found, upTo Place) error {
	x.holding.Lock()
	defer x.holding.Unlock()
	batch := x.db.NewIndexedBatch() // an event may be in it twice
	defer func() { _ = batch.Close() }()
	for i := range found {
		if err := x.hold(batch, &found[i]); err != nil {
			return err
		}
	}
	if err := batch.Set([]byte{keyLearnt}, upTo.oldestFirst(), nil); err != nil {
		return err
	}
	return batch.Commit(pebble.NoSync)
}

// hold writes the terms of an event. A message that is decided again has them at its last
// decision alone: what keyHeld does not name would stay for ever.
func (x *Index) hold(batch *pebble.Batch, f *Found) error {
	at := heldKey(f.In, f.Seq)
	before, err := value(batch, at)
	if err != nil {
		return err
	}
	if before != nil {
		if err := forgetHeld(batch, at, before); err != nil {
			return err
		}
	}
	held := joined([]byte(f.Subject), []byte{0}, f.Place.newestFirst())
	for _, t := range f.Terms {
		h := x.hash(t.Value)
		held = append(held, h...)
		if err := batch.Set(key(keyTerm, h, f.Place.newestFirst()), []byte(t.Art+sep+t.Pointer), nil); err != nil {
			return err
		}
	}
	return batch.Set(at, held, nil)
}

// forgetHeld removes the terms that a value of keyHeld names, and itself.
func forgetHeld(batch *pebble.Batch, at, held []byte) error {
	_, rest, ok := strings.Cut(string(held), sep)
	if ok && len(rest) >= placeLen {
		place := []byte(rest[:placeLen])
		for hashes := rest[placeLen:]; len(hashes) >= hashLen; hashes = hashes[hashLen:] {
			if err := batch.Delete(key(keyTerm, []byte(hashes[:hashLen]), place), nil); err != nil {
				return err
			}
		}
	}
	return batch.Delete(at, nil)
}

// maxHits bounds what a search by a term looks at: what many events hold in common is
// nobody's file reference.
const maxHits = 5000

// Terms gives the newest events whose payload holds a value, at most limit of those that
// fit.
func (x *Index) Terms(value string, limit int, fits func(*Hit) bool) ([]Hit, error) {
	return guarded(x.guard, func() ([]Hit, error) { return x.hits(value, limit, fits) })
}

func (x *Index) hits(value string, limit int, fits func(*Hit) bool) (out []Hit, err error) {
	if len(x.opts.Key) == 0 || plain(value) == "" {
		return nil, nil
	}
	prefix, seen := key(keyTerm, x.hash(value)), 0
	err = x.each(prefix, prefix, func(k, v []byte) (bool, error) {
		e, err := x.event(readNewest(k[len(prefix):]), nil)
		if err != nil {
			return false, err
		}
		if e != nil {
			h := Hit{Event: *e}
			h.Art, h.Pointer, _ = strings.Cut(string(v), sep)
			if fits(&h) {
				out = append(out, h)
			}
		}
		seen++
		return len(out) < limit && seen < maxHits, nil
	})
	return out, err
}

// learnt is the place up to which payloads were read.
func (x *Index) learnt() (Place, error) {
	x.reading.RLock()
	defer x.reading.RUnlock()
	if x.closed {
		return Place{}, errClosed
	}
	raw, err := x.get([]byte{keyLearnt})
	if err != nil || len(raw) != placeLen {
		return Place{}, err
	}
	return readOldest(raw), nil
}

// unlearnt gives the next events behind a place, the oldest first.
func (x *Index) unlearnt(behind Place, limit int) (out []Event, err error) {
	x.reading.RLock()
	defer x.reading.RUnlock()
	if x.closed {
		return nil, errClosed
	}
	it, err := x.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyEvent}, UpperBound: key(keyEvent, behind.newestFirst())})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.Last(); ok && len(out) < limit; ok = it.Prev() {
		e, err := x.event(readNewest(it.Key()[1:]), it.Value())
		if err != nil {
			return nil, err
		}
		out = append(out, *e)
	}
	return out, it.Error()
}

// Payloads is where the index reads what events hold.
type Payloads interface {
	// Terms gives what may be searched for of those events whose payload is there.
	Terms(ctx context.Context, events []Event) ([]Found, error)
	// Known tells whether the directory knows application and type of a message.
	Known(subject string) bool
}

// learnAtOnce is how many events are learnt in one step.
const learnAtOnce = 1000

// Learn reads the payloads of new events and keeps the hashes of what may be searched for,
// and forgets those of payloads that are removed, until ctx ends or the index is closed.
// An error leaves all as it was: Learn goes on from there when it is called again.
func (x *Index) Learn(ctx context.Context, p Payloads) error {
	for {
		changed := x.Changed()
		for more := true; more; {
			var err error
			if more, err = x.learnStep(ctx, p); errors.Is(err, errClosed) {
				return nil
			} else if err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		case <-x.guard.halted:
			return nil
		case <-x.guard.broken:
			return ErrFailed
		}
	}
}

// learnStep tells whether there is more to learn at once. What was removed is forgotten
// when all that was decided before is learnt: nothing that is removed is learnt behind it.
func (x *Index) learnStep(ctx context.Context, p Payloads) (more bool, err error) {
	removed, err := guarded(x.guard, x.removals)
	if err != nil {
		return false, err
	}
	behind, err := guarded(x.guard, x.learnt)
	if err != nil {
		return false, err
	}
	events, err := guarded(x.guard, func() ([]Event, error) { return x.unlearnt(behind, learnAtOnce) })
	if err != nil {
		return false, err
	}
	if len(events) > 0 {
		found, err := p.Terms(ctx, x.young(events))
		if err != nil {
			return false, err
		}
		last := events[len(events)-1].Place
		if _, err := guarded(x.guard, func() (struct{}, error) { return struct{}{}, x.writing(func() error { return x.learn(found, last) }) }); err != nil {
			return false, err
		}
	}
	if len(events) == learnAtOnce {
		return true, nil
	}
	_, err = guarded(x.guard, func() (struct{}, error) {
		return struct{}{}, x.writing(func() error { return x.forgetRemoved(removed, p.Known) })
	})
	return false, err
}

// young leaves the events that will not be swept soon.
func (x *Index) young(events []Event) (out []Event) {
	edge := x.opts.Now().Add(-x.opts.Horizon)
	for i := range events {
		if events[i].Decided.After(edge) {
			out = append(out, events[i])
		}
	}
	return out
}

// writing keeps the store open while fn writes.
func (x *Index) writing(fn func() error) error {
	x.reading.RLock()
	defer x.reading.RUnlock()
	if x.closed {
		return errClosed
	}
	return fn()
}
