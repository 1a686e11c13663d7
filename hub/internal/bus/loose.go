package bus

import (
	"math"
	"sync"
)

// loose knows what stands in OUT and no cursor covers yet (ADR 0013). After a crash
// a lane looks for it, so it must not be removed, also if it was acknowledged.
type loose struct {
	sync.Mutex
	from map[looseKey]uint64
}

type looseKey struct{ stream, in string }

// Loose says that the lane of in stream in may have messages in stream from a
// sequence on that its cursor does not cover; 0: none.
func (b *Bus) Loose(stream, in string, from uint64) {
	b.loose.Lock()
	defer b.loose.Unlock()
	if from == 0 {
		delete(b.loose.from, looseKey{stream, in})
		return
	}
	if b.loose.from == nil {
		b.loose.from = map[looseKey]uint64{}
	}
	b.loose.from[looseKey{stream, in}] = from
}

// Covered tells whether a message of stream that the lane of in stream in has stored is
// covered by its cursor: a take-over of that lane does not look for it.
func (b *Bus) Covered(stream, in string, seq uint64) bool {
	b.loose.Lock()
	defer b.loose.Unlock()
	from, ok := b.loose.from[looseKey{stream, in}]
	return !ok || seq < from
}

// Settled is the sequence of stream up to which everything is covered by cursors.
// Who removes what is acknowledged asks first what is acknowledged, then this.
func (b *Bus) Settled(stream string) uint64 {
	b.loose.Lock()
	defer b.loose.Unlock()
	least := uint64(math.MaxUint64)
	for key, from := range b.loose.from {
		if key.stream == stream {
			least = min(least, from-1)
		}
	}
	return least
}
