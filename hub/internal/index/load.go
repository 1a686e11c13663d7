package index

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2"
)

// version of what stands on disk.
const version = 1

// meta says whose index it is.
type meta struct {
	Version int `json:"version"`
	// Trail is when TRAIL was made; "" before Belongs was asked.
	Trail string `json:"trail,omitempty"`
	// Mark is a message of TRAIL that was taken in, Sum its digest: in the trail
	// of another store, or of an older copy, another one lies there.
	Mark uint64 `json:"mark,omitempty"`
	Sum  []byte `json:"sum,omitempty"`

	changed bool
}

// load reads all but the entries, which stay on disk.
func (x *Index) load() error {
	d := x.disk
	err := d.each(0, 0xff, func(key, value []byte) error {
		if len(key) > 0 && key[0] == keySeen {
			return errSkip
		}
		if !x.loadOne(key, value) {
			return errors.New("it cannot be read")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	for i := range d.sweep { // not always the same first, however short a hub runs
		d.sweep[i] = byte(rand.Uint32()) //nolint:gosec // not for secrets
	}
	if d.meta.Version == version {
		return nil
	}
	if d.meta.Version != 0 || x.reach.upTo > 0 {
		return fmt.Errorf("its version is %d, this hub's is %d", d.meta.Version, version)
	}
	d.meta = meta{Version: version, changed: true}
	return nil
}

var errSkip = errors.New("skip the entries")

// each gives keys and values whose first byte is from..to-1; after errSkip it
// goes on behind the entries.
func (d *disk) each(from, to byte, fn func(key, value []byte) error) error {
	it, err := d.db.NewIter(&pebble.IterOptions{LowerBound: []byte{from}, UpperBound: []byte{to}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; {
		err = fn(it.Key(), it.Value())
		switch {
		case errors.Is(err, errSkip):
			err = nil
			ok = it.SeekGE([]byte{keySeen + 1})
		case err != nil:
			ok = false
		default:
			ok = it.Next()
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}

func (x *Index) loadOne(key, value []byte) bool {
	d := x.disk
	switch kind := key[0]; {
	case kind == keyMeta:
		return json.Unmarshal(value, &d.meta) == nil
	case kind == keyApplied && len(value) == 16:
		x.reach.upTo = binary.BigEndian.Uint64(value)
		x.newest = int64(binary.BigEndian.Uint64(value[8:])) //nolint:gosec // written from one
	case kind == keyName && len(key) == 5:
		i, _ := d.names.of(string(value))
		return i == uint64(binary.BigEndian.Uint32(key[1:]))
	case kind == keyFloor && len(value) == 8:
		x.mailbox(string(key[1:])).floor = binary.BigEndian.Uint64(value)
	case (kind == keyDone || kind == keyParked) && len(value) == 8:
		w, ok := readWordKey(key)
		if !ok {
			return false
		}
		x.words(w)[w.at] = binary.BigEndian.Uint64(value)
	default:
		return false
	}
	return true
}

// words is the set that a word is part of.
func (x *Index) words(w word) bits {
	s := x.mailbox(w.mailbox)
	if w.parked {
		return s.parked
	}
	return s.above
}
