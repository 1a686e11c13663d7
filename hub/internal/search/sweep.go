package search

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Sweep forgets up to limit events, the oldest first, that are older than the horizon,
// and the counts of days before it; it tells how many.
func (x *Index) Sweep(limit int) (n int, err error) {
	old, err := guarded(x.guard, func() ([]old, error) {
		old, err := x.older(limit)
		return old, errors.Join(err, x.forgetTerms(old))
	})
	if err != nil {
		return 0, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.batch == nil {
		return 0, nil
	}
	for i := range old {
		if err := x.forget(&old[i]); err != nil {
			return 0, err
		}
	}
	if len(old) > 0 { // what people did before them
		last := old[len(old)-1].Place
		if err := x.batch.DeleteRange(key(keyAct, last.newestFirst()), []byte{keyAct + 1}, nil); err != nil {
			return 0, err
		}
	}
	return len(old), x.forgetCounts(x.opts.Now().Add(-x.opts.Horizon))
}

// forget removes all about an event.
func (x *Index) forget(e *old) error {
	keys := append(e.keys(e.Place), key(keyEvent, e.Place.newestFirst()))
	for _, at := range e.copies {
		keys = append(keys, key(keyID, hashed(e.ID), at))
	}
	for _, k := range keys {
		if err := x.batch.Delete(k, nil); err != nil {
			return err
		}
	}
	for _, from := range [][]byte{copyKey(e.In, e.Seq), clearedKey(e.In, e.Seq)} {
		if err := x.batch.DeleteRange(from, after(from), nil); err != nil {
			return err
		}
	}
	return nil
}

// forgetTerms forgets the terms that events hold; those of a message that was decided again
// stay with the later decision.
func (x *Index) forgetTerms(all []old) error {
	return x.writing(func() error {
		x.holding.Lock()
		defer x.holding.Unlock()
		batch := x.db.NewBatch()
		defer func() { _ = batch.Close() }()
		for i := range all {
			at := heldKey(all[i].In, all[i].Seq)
			held, err := x.get(at)
			if err != nil {
				return err
			}
			if _, rest, _ := strings.Cut(string(held), sep); !strings.HasPrefix(rest, string(all[i].Place.newestFirst())) {
				continue
			}
			if err := forgetHeld(batch, at, held); err != nil {
				return err
			}
		}
		return batch.Commit(pebble.NoSync)
	})
}

// forgetCounts removes those of days before the edge, and who was seen before it.
func (x *Index) forgetCounts(edge time.Time) error {
	first := dayOf(edge)
	for name, n := range x.counts {
		begins, _, _ := strings.Cut(name, sep)
		seen := begins == seenSent || begins == seenTook
		day := len(begins) == len(first)
		if day && (begins < first || x.hoursOver(name)) || seen && n < uint64(max(edge.Unix(), 0)) {
			delete(x.counts, name)
			delete(x.changed, name)
			if err := x.batch.Delete(append([]byte{keyCount}, name...), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// old is an event that is forgotten, and where the outcomes of its copies and the acts on
// it are recorded.
type old struct {
	Event
	copies [][]byte
}

// older gives the oldest events that are older than the horizon.
func (x *Index) older(limit int) (out []old, err error) {
	x.reading.RLock()
	defer x.reading.RUnlock()
	if x.closed {
		return nil, nil
	}
	it, err := x.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyEvent}, UpperBound: []byte{keyEvent + 1}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	edge := x.opts.Now().Add(-x.opts.Horizon)
	for ok := it.Last(); ok && len(out) < limit; ok = it.Prev() {
		e, err := x.event(readNewest(it.Key()[1:]), it.Value())
		if err != nil || !e.Decided.Before(edge) {
			return out, err
		}
		o := old{Event: *e}
		for _, prefix := range [][]byte{copyKey(e.In, e.Seq), clearedKey(e.In, e.Seq)} {
			places, err := x.places(prefix, math.MaxInt)
			if err != nil {
				return nil, err
			}
			o.copies = append(o.copies, places...)
		}
		out = append(out, o)
	}
	return out, it.Error()
}

// places gives the first of what stands behind a prefix; it is called with reading held, or
// with mu while there is a batch, which keep Close away.
func (x *Index) places(prefix []byte, limit int) (out [][]byte, err error) {
	it, err := x.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok && len(out) < limit; ok = it.Next() {
		out = append(out, append([]byte{}, it.Key()[len(prefix):]...))
	}
	return out, errors.Join(it.Error(), it.Close())
}
