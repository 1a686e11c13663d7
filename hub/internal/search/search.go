// Package search is a projection of the trail for people: which events there were, by
// id, case (Vorgang) and organisation, what became of their copies, and how many a day.
// It holds no payload and no value of one. It follows the trail a moment behind, in a
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
	"go.uber.org/zap"
)

// Options of an index; zero values are the defaults.
type Options struct {
	// Horizon is how long events are found; counts stay as long.
	Horizon time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	Log *zap.Logger
}

// DefaultHorizon is how long events are found unless Options say otherwise.
const DefaultHorizon = 30 * 24 * time.Hour

// Index is safe for concurrent use. What Apply takes in is found after the next Flush.
type Index struct {
	dir  string
	opts Options

	reading sync.RWMutex // held while db is read; Close waits
	closed  bool

	mu      sync.Mutex
	db      *pebble.DB
	batch   *pebble.Batch
	applied uint64 // with what waits in batch
	meta    meta
	counts  map[string]uint64 // changed since the last Flush, or of today
	changed map[string]bool
	rates   rates
	wake    []chan struct{}
}

// meta says whose index it is.
type meta struct {
	Version int    `json:"version"`
	Trail   string `json:"trail"` // when TRAIL was made
}

const version = 1

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
	want := meta{Version: version, Trail: created.UTC().Format(time.RFC3339Nano)}
	err := x.open(want, last)
	if err != nil {
		o.Log.Warn("the search index is built anew from the trail", zap.Error(err))
		err = x.renew(want)
	}
	if err != nil {
		return nil, fmt.Errorf("open the search index: %w", err)
	}
	return x, nil
}

func (x *Index) renew(want meta) error {
	if x.db != nil {
		_ = x.db.Close()
	}
	if err := os.RemoveAll(x.dir); err != nil {
		return err
	}
	return x.open(want, 0)
}

// memory that the store may take for its files and for what is not in a file yet.
const (
	cacheBytes    = 16 << 20
	memTableBytes = 8 << 20
)

func (x *Index) open(want meta, last uint64) (err error) {
	defer func() {
		if p := recover(); p != nil { // pebble gave up
			err = fmt.Errorf("it is damaged: %v", p)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(x.dir), 0o700); err != nil {
		return err
	}
	x.counts, x.changed, x.rates = map[string]uint64{}, map[string]bool{}, rates{}
	x.db, err = pebble.Open(x.dir, &pebble.Options{
		DisableWAL: true, // the trail is that
		CacheSize:  cacheBytes, MemTableSize: memTableBytes, Logger: quiet{}, FormatMajorVersion: pebble.FormatNewest,
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
	return x.Flush()
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
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.flush()
}

func (x *Index) flush() error {
	if x.batch == nil {
		return errors.New("the search index is closed")
	}
	for name := range x.changed {
		if err := x.batch.Set(append([]byte{keyCount}, name...), binary.BigEndian.AppendUint64(nil, x.counts[name]), nil); err != nil {
			return err
		}
	}
	clear(x.changed)
	if err := x.batch.Set([]byte{keyApplied}, binary.BigEndian.AppendUint64(nil, x.applied), nil); err != nil {
		return err
	}
	if err := x.batch.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("write the search index: %w", err)
	}
	x.batch = x.db.NewBatch()
	for _, c := range x.wake {
		close(c)
	}
	x.wake = nil
	return nil
}

// Changed is closed at the next Flush.
func (x *Index) Changed() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := make(chan struct{})
	x.wake = append(x.wake, c)
	return c
}

// Close writes what waits and closes the files.
func (x *Index) Close() error {
	x.reading.Lock()
	defer x.reading.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	err := x.flush()
	err = errors.Join(err, x.db.Flush(), x.batch.Close(), x.db.Close())
	x.batch = nil
	return err
}

// get gives a copy of a value; nil when there is none.
func (x *Index) get(key []byte) ([]byte, error) {
	v, closer, err := x.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = closer.Close() }()
	return append([]byte{}, v...), nil
}

// quiet is a logger that says nothing: errors come back from the calls.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(f string, args ...any) {
	panic(fmt.Sprintf("search index: "+f, args...))
}
