package index

import (
	"encoding/binary"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// filter is a Bloom filter over all identities on disk and on their way there: it
// answers for those that are not known, nearly all, in one look at memory. All
// bits of an identity lie in one cache line.
type filter struct {
	lines [][8]uint64
	room  int // how many identities it is made for, 16 bits each
	added int
}

const (
	bitsEach  = 16
	minFilter = 1 << 19 // 1 MB
	bitsSet   = 6
)

func newFilter(room int) *filter {
	room = max(room, minFilter)
	return &filter{lines: make([][8]uint64, room*bitsEach/512+1), room: room}
}

// spot gives the line of an identity, which is a hash already, and where its
// bits lie there: 9 bits each.
func (f *filter) spot(id event.Identity) (line *[8]uint64, at uint64) {
	high := binary.LittleEndian.Uint64(id[:]) >> 16 % uint64(len(f.lines))
	return &f.lines[high], binary.LittleEndian.Uint64(id[8:])
}

func (f *filter) add(id event.Identity) {
	line, at := f.spot(id)
	for range bitsSet {
		line[at>>6&7] |= 1 << (at & 63)
		at >>= 9
	}
	f.added++
}

func (f *filter) has(id event.Identity) bool {
	line, at := f.spot(id)
	for range bitsSet {
		if line[at>>6&7]&(1<<(at&63)) == 0 {
			return false
		}
		at >>= 9
	}
	return true
}

// known adds an identity to the filters, and has a larger one made when there
// are too many. It is called with mu held.
func (x *Index) known(id event.Identity) {
	d := x.disk
	if d == nil {
		return
	}
	for _, f := range []*filter{d.filter, d.next} {
		if f != nil {
			f.add(id)
		}
	}
	if d.filter != nil && d.next == nil && d.filter.added > d.filter.room {
		x.refill()
	}
}

// refill begins to make the filter anew, from what is on disk; until it is
// complete the old one is asked. It is called with mu held.
func (x *Index) refill() {
	d := x.disk
	bytes, err := size(d.dir)
	if err != nil {
		d.fail(err)
		return
	}
	bytes += int64(d.db.Metrics().MemTable.Size) //nolint:gosec // of this process
	f := newFilter(int(bytes/entrySize) + 2*(len(x.fresh)+len(d.writing)))
	for id := range x.fresh { // what is not on disk yet
		f.add(id)
	}
	for id := range d.writing {
		f.add(id)
	}
	d.next = f
	d.wg.Go(func() {
		began := time.Now()
		if err := x.fill(f, d.stop); err != nil {
			d.fail(err)
			return
		}
		d.opts.Log.Debug("index: filter made", zap.Duration("took", time.Since(began)))
	})
}

// entrySize is less than an entry takes on disk (about 50 bytes) or in the database's
// memory, so that the filter has room for half as many more before it is made anew.
const entrySize = 33

// fill adds what is on disk to f, and puts it to use.
func (x *Index) fill(f *filter, stop <-chan struct{}) error {
	it, err := x.disk.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keySeen}, UpperBound: []byte{keySeen + 1}})
	if err != nil {
		return err
	}
	defer func() { _ = it.Close() }()
	var ids []event.Identity
	for ok := it.First(); ok; {
		ids = ids[:0]
		for ; ok && len(ids) < 1024; ok = it.Next() {
			var id event.Identity
			copy(id[:], it.Key()[1:])
			ids = append(ids, id)
		}
		select {
		case <-stop:
			return nil
		default:
		}
		x.mu.Lock()
		for _, id := range ids {
			f.add(id)
		}
		x.mu.Unlock()
	}
	if err := it.Error(); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.disk.filter, x.disk.next = f, nil
	return nil
}
