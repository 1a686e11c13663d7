package index

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Two thousand identities a second are looked at whether they are to be
// forgotten: 50 million in seven hours.
const (
	sweepEvery = time.Second
	sweepStep  = 2000
)

// crowd is how many batches may wait in memory for the one being written.
const crowd = 8

// find looks an identity up on disk.
func (d *disk) find(id event.Identity) (Seen, bool) {
	if s, ok := d.writing[id]; ok {
		return s, true
	}
	if d.filter != nil && !d.filter.has(id) {
		return Seen{}, false
	}
	key := seenKey(id)
	value, closer, err := d.db.Get(key[:])
	if errors.Is(err, pebble.ErrNotFound) {
		return Seen{}, false
	}
	if err != nil {
		d.fail(err)
		return Seen{}, false
	}
	s, err := decode(value, d.names)
	if err = errors.Join(err, closer.Close()); err != nil {
		d.fail(err)
	}
	return s, true
}

// press has what is new written when there is enough of it, and waits when
// there is far too much. It is called with mu held.
func (x *Index) press() {
	d := x.disk
	if d == nil || len(x.fresh)+len(x.changed) < d.opts.Batch {
		return
	}
	select {
	case d.kick <- struct{}{}:
	default:
	}
	for len(x.fresh)+len(x.changed) >= crowd*d.opts.Batch && d.failure() == nil {
		d.room.Wait()
	}
}

// write writes until stop.
func (x *Index) write(stop <-chan struct{}) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-x.disk.kick:
			x.commit()
		case <-tick.C:
			x.forget(sweepStep)
		}
	}
}

// changes is what one write brings to disk.
type changes struct {
	seen            map[event.Identity]Seen
	words           map[word]uint64
	floors          map[string]uint64
	applied, newest uint64
	meta            meta
}

// gather takes what is new. It stays to be found in writing.
func (x *Index) gather() changes {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := changes{seen: x.fresh, words: map[word]uint64{}, floors: map[string]uint64{}, applied: x.reach.upTo, newest: uint64(x.newest), meta: x.disk.meta} //nolint:gosec // a second
	x.disk.writing, x.fresh, x.disk.spare = x.fresh, x.disk.spare, nil
	if x.fresh == nil {
		x.fresh = map[event.Identity]Seen{}
	}
	x.disk.meta.changed = false
	for w := range x.changed {
		c.words[w] = x.words(w)[w.at]
	}
	for name := range x.floors {
		c.floors[name] = x.done[name].floor
	}
	clear(x.changed)
	clear(x.floors)
	return c
}

// commit writes what is new and how far the trail is read as one. Entries from
// beyond a gap are written too: after a crash they are taken in once more, which
// changes nothing.
func (x *Index) commit() {
	d := x.disk
	c := x.gather()
	defer x.committed(len(c.seen))
	if d.failure() != nil {
		return
	}
	b := d.db.NewBatchWithSize(128 * (len(c.seen) + 16))
	defer func() { _ = b.Close() }()
	if err := errors.Join(d.putSeen(b, c.seen), d.putRest(b, c)); err != nil {
		d.fail(err)
		return
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		d.fail(err)
	}
}

// committed lets go of n identities that are on disk now. What they stood in is used again,
// unless it has grown large.
func (x *Index) committed(n int) {
	d := x.disk
	x.mu.Lock()
	defer x.mu.Unlock()
	if n <= 2*d.opts.Batch {
		clear(d.writing)
		d.spare = d.writing
	}
	d.writing = nil
	d.room.Broadcast()
}

func (d *disk) putSeen(b *pebble.Batch, seen map[event.Identity]Seen) (err error) {
	number := func(text string) uint64 {
		i, added := d.names.of(text)
		if added {
			key := binary.BigEndian.AppendUint32([]byte{keyName}, uint32(i)) //nolint:gosec // few
			err = errors.Join(err, b.Set(key, []byte(text), nil))
		}
		return i
	}
	// in order, which is three times as fast
	ids := slices.AppendSeq(make([]event.Identity, 0, len(seen)), maps.Keys(seen))
	slices.SortFunc(ids, func(a, b event.Identity) int { return bytes.Compare(a[:], b[:]) })
	var buf []byte
	for _, id := range ids {
		s := seen[id]
		buf = encode(buf[:0], &s, number)
		key := seenKey(id)
		if err := b.Set(key[:], buf, nil); err != nil {
			return err
		}
	}
	return err
}

func (d *disk) putRest(b *pebble.Batch, c changes) (err error) {
	put := func(key []byte, values ...uint64) {
		var value []byte
		for _, v := range values {
			value = binary.BigEndian.AppendUint64(value, v)
		}
		err = errors.Join(err, b.Set(key, value, nil))
	}
	for w, bits := range c.words {
		if bits != 0 {
			put(wordKey(w), bits)
		} else {
			err = errors.Join(err, b.Delete(wordKey(w), nil))
		}
	}
	for name, floor := range c.floors {
		put(append([]byte{keyFloor}, name...), floor)
	}
	if c.meta.changed {
		raw, jsonErr := json.Marshal(c.meta)
		err = errors.Join(err, jsonErr, b.Set([]byte{keyMeta}, raw, nil))
	}
	put([]byte{keyApplied}, c.applied, c.newest)
	return err
}

// forget looks at the next n identities on disk and removes those that are past
// the horizon. That changes no answer: a look-up does not find them anyway. It is
// called by the goroutine that writes, so none of them is decided anew between
// the look and the removal.
func (x *Index) forget(n int) {
	d := x.disk
	x.mu.RLock()
	limit := x.limit()
	x.mu.RUnlock()
	if d.failure() != nil {
		return
	}
	b := d.db.NewBatch()
	defer func() { _ = b.Close() }()
	from := seenKey(d.sweep)
	it, err := d.db.NewIter(&pebble.IterOptions{LowerBound: from[:], UpperBound: []byte{keySeen + 1}})
	if err != nil {
		d.fail(err)
		return
	}
	ok := it.First()
	for ; ok && n > 0; n-- {
		s, badErr := decode(it.Value(), d.names)
		if badErr != nil {
			err = badErr
			break
		}
		if s.At.Unix() < limit {
			err = errors.Join(err, b.Delete(it.Key(), nil))
		}
		ok = it.Next()
	}
	d.sweep = event.Identity{}
	if ok {
		copy(d.sweep[:], it.Key()[1:])
	}
	if err = errors.Join(err, it.Error(), it.Close()); err == nil && !b.Empty() {
		err = b.Commit(pebble.NoSync)
	}
	if err != nil {
		d.fail(err)
	}
}
