package httpapi

import (
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// recent remembers what was taken here until the index knows it: an event that comes
// twice within a moment is known the second time. The lane has the last word anyway.
type recent struct {
	mu   sync.Mutex
	of   map[event.Identity]index.Seen
	ring []event.Identity // in the order in which they came
	next int
}

const (
	recentMost = 4096
	// recentFor is longer than a lane needs to decide, unless it has a backlog.
	recentFor = time.Minute
)

// add notes what is known of an identity from now on.
func (x *recent) add(id event.Identity, seen index.Seen) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.of == nil {
		x.of, x.ring = map[event.Identity]index.Seen{}, make([]event.Identity, recentMost)
	}
	if _, again := x.of[id]; !again {
		delete(x.of, x.ring[x.next])
		x.ring[x.next] = id
		x.next = (x.next + 1) % recentMost
	}
	x.of[id] = seen
}

// lookup gives the later of what is known here and what the index knows.
func (x *recent) lookup(id event.Identity, known index.Seen, ok bool, now time.Time) (index.Seen, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	mine, here := x.of[id]
	switch {
	case !here:
		return known, ok
	case now.Sub(mine.At) > recentFor, ok && known.Ref.In == mine.Ref.In && known.Ref.Seq >= mine.Ref.Seq:
		delete(x.of, id)
		return known, ok
	}
	return mine, true
}
