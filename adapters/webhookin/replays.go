package webhookin

import (
	"sync"
	"time"
)

// maxReplays bounds the memory; the oldest goes first.
const maxReplays = 20_000

// replays remembers the signatures of what was stored: a message that comes again
// unchanged is answered as the first time, and goes no further. It is the first
// wall only: after a restart, or when the memory is full, the hub knows the event
// by its id, which comes of what is signed.
type replays struct {
	keep time.Duration

	mu    sync.Mutex
	known map[string]string // event id by MAC
	order []replay          // oldest first
}

type replay struct {
	mac string
	at  time.Time
}

func newReplays(keep time.Duration) *replays { return &replays{keep: keep, known: map[string]string{}} }

func (r *replays) find(mac []byte) (id string, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, known = r.known[string(mac)]
	return id, known
}

func (r *replays) add(mac []byte, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if _, known := r.known[string(mac)]; !known {
		r.known[string(mac)] = id
		r.order = append(r.order, replay{string(mac), now})
	}
	for len(r.order) > maxReplays || len(r.order) > 0 && now.Sub(r.order[0].at) > r.keep {
		delete(r.known, r.order[0].mac)
		r.order = r.order[1:]
	}
}
