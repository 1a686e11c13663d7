// Package search is a projection of the trail for people: which events there were, by
// id, case (Vorgang) and organisation, what became of their copies, and how many a day.
// It holds no payload; of what callers may have of one (file references) it holds keyed
// hashes, as long as the payload is kept. It follows the trail a moment behind, in a
// directory of its own that can be thrown away: what is in it is read from the trail
// again.
package search

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Options of an index; zero values are the defaults.
type Options struct {
	// Horizon is how long events are found; counts stay as long.
	Horizon time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	Log *zap.Logger
	// Key of the installation for the hashes of terms; nil: none are kept.
	Key []byte
	// FS is where the store lies; nil is the disk.
	FS vfs.FS
}

// DefaultHorizon is how long events are found unless Options say otherwise.
const DefaultHorizon = 30 * 24 * time.Hour

// Index is safe for concurrent use. What Apply takes in is found after the next Flush.
type Index struct {
	dir  string
	opts Options

	guard *guard

	reading  sync.RWMutex // held while db is read; Close waits
	closed   bool
	flushing sync.Mutex // held while a batch is written; before mu
	holding  sync.Mutex // held while terms are written or swept

	mu      sync.Mutex
	db      *pebble.DB
	batch   *pebble.Batch
	applied uint64 // with what waits in batch
	meta    meta
	counts  map[string]uint64 // changed since the last Flush, or of today
	changed map[string]bool
	rates   rates
	// who sent what was decided since the last write but one, which the store may not
	// tell yet
	fresh, before map[decision.Ref]string
	wake          []chan struct{}
	skipped       uint64 // records that could not be read
}

// meta says whose index it is.
type meta struct {
	Version int    `json:"version"`
	Trail   string `json:"trail"` // when TRAIL was made
	Key     string `json:"key"`   // keyMark of Options.Key
}

const version = 3

// Open opens the index in a directory that belongs to the trail which was made at
// created and ends at last. Any other one, and one that is damaged, is emptied: Applied
// is then 0.
func Open(dir string, created time.Time, last uint64, o Options) (*Index, error) {
	if o.Horizon == 0 {
		o.Horizon = DefaultHorizon
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	x := &Index{dir: dir, opts: o}
	want := meta{Version: version, Trail: created.UTC().Format(time.RFC3339Nano), Key: keyMark(o.Key)}
	err := x.attempt(func() error { return x.first(want, last) })
	if err != nil {
		o.Log.Warn("the search index is built anew from the trail", zap.Error(err))
		dead := x.guard.fatal.Load()
		if !dead && x.db != nil {
			x.guard.ending.Store(true)
			_ = x.db.Close()
		}
		x = &Index{dir: dir, opts: o}
		err = x.attempt(func() error { return x.renew(want) })
	}
	if err != nil {
		return nil, fmt.Errorf("open the search index: %w", err)
	}
	return x, nil
}

// attempt runs what opens the store under a new guard.
func (x *Index) attempt(fn func() error) error {
	x.guard = newGuard(x.dir, x.opts.Log)
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("it is damaged: %T", p)
			}
		}()
		done <- fn()
	}()
	select {
	case err := <-done:
		return errors.Join(err, x.Err())
	case <-x.guard.dead:
		return ErrFailed
	}
}

// Off is an index that answers nothing, for a hub whose own could not be opened.
func Off(log *zap.Logger) *Index {
	x := &Index{opts: Options{Horizon: DefaultHorizon, Now: time.Now, Log: log}, guard: newGuard("", log), closed: true}
	close(x.guard.broken)
	return x
}

// Err is ErrFailed when the store has failed.
func (x *Index) Err() error {
	if x.guard.failed() {
		return ErrFailed
	}
	return nil
}

// Failed is closed when the store has failed.
func (x *Index) Failed() <-chan struct{} { return x.guard.broken }

// Halt lets go who waits for the store; Close comes next.
func (x *Index) Halt() { x.guard.halt.Do(func() { close(x.guard.halted) }) }

// first opens what is there, unless it is marked as failed.
func (x *Index) first(want meta, last uint64) error {
	if _, err := os.Stat(markOf(x.dir)); err == nil {
		return errors.New("it had failed")
	}
	return x.open(want, last)
}

func (x *Index) renew(want meta) error {
	if err := os.RemoveAll(x.dir); err != nil {
		return err
	}
	if err := x.open(want, 0); err != nil {
		return err
	}
	if err := os.Remove(markOf(x.dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// memory that the store may take for its files and for what is not in a file yet.
const (
	cacheBytes    = 16 << 20
	memTableBytes = 8 << 20
)

func (x *Index) open(want meta, last uint64) (err error) {
	if err := os.MkdirAll(filepath.Dir(x.dir), 0o700); err != nil {
		return err
	}
	x.counts, x.changed, x.rates = map[string]uint64{}, map[string]bool{}, rates{}
	x.fresh = map[decision.Ref]string{}
	x.db, err = pebble.Open(x.dir, &pebble.Options{
		DisableWAL: true, // the trail is that
		CacheSize:  cacheBytes, MemTableSize: memTableBytes, Logger: x.guard, EventListener: x.guard.listener(),
		FormatMajorVersion: pebble.FormatNewest, FS: x.opts.FS,
	})
	if err != nil {
		return err
	}
	raw, err := x.get([]byte{keyMeta})
	if err != nil {
		return err
	}
	if raw == nil {
		return x.begin(want)
	}
	if err := json.Unmarshal(raw, &x.meta); err != nil || x.meta != want {
		return errors.New("it is of another version, or another store's")
	}
	raw, err = x.get([]byte{keyApplied})
	if err != nil || len(raw) != 8 {
		return errors.Join(err, errors.New("it does not say how far it has read"))
	}
	x.applied = binary.BigEndian.Uint64(raw)
	if x.applied > last {
		return fmt.Errorf("it has read to %d of a trail that ends at %d", x.applied, last)
	}
	x.batch = x.db.NewBatch()
	return x.loadCounts()
}

// begin writes what an empty index says of itself.
func (x *Index) begin(want meta) error {
	raw, err := json.Marshal(want)
	if err != nil {
		return err
	}
	x.meta, x.applied = want, 0
	x.batch = x.db.NewBatch()
	if err := x.batch.Set([]byte{keyMeta}, raw, nil); err != nil {
		return err
	}
	return x.write()
}

// Applied is the sequence in TRAIL up to which the index has taken everything in.
func (x *Index) Applied() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.applied
}

// Flush makes what was taken in findable. A crash forgets what was not flushed, and
// what the system had not written; both are read from the trail again.
func (x *Index) Flush() error {
	_, err := guarded(x.guard, func() (struct{}, error) { return struct{}{}, x.write() })
	return err
}

// write is Flush. The store may make it wait, so mu is not held meanwhile.
func (x *Index) write() error {
	x.flushing.Lock()
	defer x.flushing.Unlock()
	batch, wake, err := x.cut()
	if err != nil {
		return err
	}
	if err := batch.Commit(pebble.NoSync); err != nil {
		x.guard.fail(err.Error()) // what was in it is not in the store
		return fmt.Errorf("write the search index: %w", err)
	}
	for _, c := range wake {
		close(c)
	}
	return nil
}

// cut takes what waits, and begins a new batch.
func (x *Index) cut() (*pebble.Batch, []chan struct{}, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.batch == nil {
		return nil, nil, errClosed
	}
	for name := range x.changed {
		if err := x.batch.Set(append([]byte{keyCount}, name...), binary.BigEndian.AppendUint64(nil, x.counts[name]), nil); err != nil {
			return nil, nil, err
		}
	}
	clear(x.changed)
	if err := x.batch.Set([]byte{keyApplied}, binary.BigEndian.AppendUint64(nil, x.applied), nil); err != nil {
		return nil, nil, err
	}
	batch, wake := x.batch, x.wake
	x.batch, x.wake = x.db.NewBatch(), nil
	x.before, x.fresh = x.fresh, map[decision.Ref]string{}
	return batch, wake, nil
}

// Changed is closed at the next Flush.
func (x *Index) Changed() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := make(chan struct{})
	x.wake = append(x.wake, c)
	return c
}

// Close writes what waits and closes the files. A store that has failed is left as it
// is, and one that does not answer is not waited for.
func (x *Index) Close() error {
	x.guard.ending.Store(true)
	x.Halt()
	if x.guard.fatal.Load() {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- x.shut() }()
	select {
	case err := <-done:
		return err
	case <-time.After(closeWait):
		return errors.New("close the search index: its store does not answer; what is missing is read from the trail at the next start")
	}
}

func (x *Index) shut() error {
	x.reading.Lock()
	defer x.reading.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	if x.guard.failed() {
		_ = x.db.Close()
		return nil
	}
	err := x.write()
	x.mu.Lock()
	batch := x.batch
	x.batch = nil
	x.mu.Unlock()
	return errors.Join(err, x.db.Flush(), batch.Close(), x.db.Close())
}

// get gives a copy of a value; nil when there is none.
func (x *Index) get(key []byte) ([]byte, error) { return value(x.db, key) }

func value(from pebble.Reader, key []byte) ([]byte, error) {
	v, closer, err := from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = closer.Close() }()
	return append([]byte{}, v...), nil
}
