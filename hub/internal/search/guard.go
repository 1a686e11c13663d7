package search

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"
)

// ErrFailed is the answer of an index whose store has failed: it stays off until the hub
// starts again, and is then read from the trail anew.
var ErrFailed = errors.New("the search index has failed and is off until the next start, which builds it anew")

var errClosed = errors.New("the search index is closed")

// closeWait bounds how long Close waits for the store: it can be thrown away.
const closeWait = 10 * time.Second

// guard keeps a store that fails from taking the hub with it: whoever waits for the
// store is let go when it has failed, or when the hub stops.
type guard struct {
	dir    string
	log    *zap.Logger
	once   sync.Once
	broken chan struct{} // closed when the store has failed
	halt   sync.Once
	halted chan struct{} // closed when nobody is to wait any more
	ending atomic.Bool   // what goes wrong while it closes is no failure
	fatal  atomic.Bool   // the store must not be touched again
	last   sync.Once
	dead   chan struct{} // closed with fatal
}

func newGuard(dir string, log *zap.Logger) *guard {
	return &guard{dir: dir, log: log, broken: make(chan struct{}), halted: make(chan struct{}), dead: make(chan struct{})}
}

// markOf is a file that says that the store has failed, so that the next start begins anew.
func markOf(dir string) string { return dir + ".failed" }

// fail turns the index off. The store calls it with locks of its own held.
func (g *guard) fail(what string) {
	if g.ending.Load() && !g.fatal.Load() {
		return
	}
	g.once.Do(func() {
		close(g.broken)
		g.log.Error("the search index of the console has failed and is off until the next start, which builds it anew", zap.String("store", what))
		if err := os.WriteFile(markOf(g.dir), nil, 0o600); err != nil {
			g.log.Error("the failure of the search index could not be marked: remove its directory before the next start", zap.Error(err))
		}
	})
}

func (g *guard) failed() bool {
	select {
	case <-g.broken:
		return true
	default:
		return false
	}
}

// listener hears of what the store finds out in its own goroutines.
func (g *guard) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { g.fail(err.Error()) },
		DataCorruption:  func(pebble.DataCorruptionInfo) { g.fail("a file is corrupt") },
	}
}

// Infof implements pebble.Logger.
func (*guard) Infof(string, ...any) {}

// Errorf implements pebble.Logger: errors come back from the calls.
func (*guard) Errorf(string, ...any) {}

// Fatalf implements pebble.Logger. Its callers rely on it not to come back, in whatever
// goroutine; to unwind them would unlock what they do not hold, so they stay here. Who
// waits for them is let go by guarded.
func (g *guard) Fatalf(f string, args ...any) {
	g.fatal.Store(true)
	g.fail(fmt.Sprintf(f, args...))
	g.last.Do(func() { close(g.dead) })
	select {}
}

// guarded gives what fn, which uses the store, gives; it does not wait for one that has
// failed, nor beyond halted.
func guarded[T any](g *guard, fn func() (T, error)) (none T, err error) {
	if g.failed() {
		return none, ErrFailed
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				g.fail(fmt.Sprintf("it panics: %T", p))
				r.err = ErrFailed
			}
			done <- r
		}()
		r.value, r.err = fn()
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-g.broken:
		return none, ErrFailed
	case <-g.halted:
	}
	select { // it may have been quick
	case r := <-done:
		return r.value, r.err
	default:
		return none, errClosed
	}
}
