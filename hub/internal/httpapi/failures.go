package httpapi

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Failures logs failed logins, a line in a while at most. It says why the last one
// failed and how many there were, not who tried: that is unknown.
type Failures struct {
	Log *zap.Logger

	total atomic.Uint64
	mu    sync.Mutex
	since uint64 // not logged yet
	last  time.Time
}

const failuresEvery = 10 * time.Second

// Failed notes one.
func (f *Failures) Failed(_ *http.Request, err error) {
	f.total.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.since++
	if now := time.Now(); now.Sub(f.last) >= failuresEvery {
		f.Log.Warn("logins by HTTP failed", zap.Uint64("count", f.since), zap.NamedError("last", err))
		f.since, f.last = 0, now
	}
}

// Total is how many there were since the start.
func (f *Failures) Total() uint64 { return f.total.Load() }
