package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Options of an index on disk; zero values are the defaults.
type Options struct {
	// Horizon is how long an identity is remembered.
	Horizon time.Duration
	// Cache is how many bytes of the files are held in memory.
	Cache int64
	// MemTable is how many bytes are gathered before they become a file, and
	// roughly how much of the trail is read again after a crash.
	MemTable int
	// Batch is how many changes are gathered before they are written.
	Batch int
	Log   *zap.Logger
}

// The defaults.
const (
	defaultCache    = 32 << 20
	defaultMemTable = 16 << 20
	defaultBatch    = 4096
)

func (o Options) orDefaults() Options {
	if o.Horizon == 0 {
		o.Horizon = Horizon
	}
	if o.Cache == 0 {
		o.Cache = defaultCache
	}
	if o.MemTable == 0 {
		o.MemTable = defaultMemTable
	}
	if o.Batch == 0 {
		o.Batch = defaultBatch
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return o
}

// disk is what an index keeps in a directory.
type disk struct {
	dir   string
	opts  Options
	lock  *pebble.Lock
	db    *pebble.DB
	names *names
	meta  meta // guarded by Index.mu

	writing map[event.Identity]Seen // on its way to disk; guarded by Index.mu
	spare   map[event.Identity]Seen // an empty one, for what comes next; nil: none. Guarded by Index.mu
	room    sync.Cond               // Index.mu: a write has ended
	kick    chan struct{}           // there is enough to write
	stop    chan struct{}
	wg      sync.WaitGroup
	sweep   event.Identity // where the search for what is forgotten goes on
	// filter answers for identities that are not known, nil before it is filled;
	// next will replace it. Guarded by Index.mu.
	filter, next *filter

	err    atomic.Pointer[error]
	failed chan struct{} // closed when err is set
	once   sync.Once
}

// damagedFile says that the directory must not be used again.
const damagedFile = "DAMAGED"

// Open opens the index in a directory. What is damaged or of another version is
// emptied: Applied is then 0, and the trail is to be read from its beginning.
// Belongs then tells whether it is the index of this trail.
func Open(dir string, o Options) (*Index, error) {
	x, err := try(dir, o)
	if reason := (unusableError{}); errors.As(err, &reason) {
		err = x.empty(reason.Error())
	}
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	return x, nil
}

// try opens the index in a directory as it is.
func try(dir string, o Options) (*Index, error) {
	x := New()
	o = o.orDefaults()
	x.horizon = o.Horizon
	x.disk = &disk{dir: dir, opts: o, room: sync.Cond{L: &x.mu}}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x, x.start()
}

// unusableError says why a directory has to be emptied.
type unusableError struct{ error }

// start opens the directory and reads all but the entries. It is called with mu
// held.
func (x *Index) start() (err error) {
	d := x.disk
	defer func() {
		if p := recover(); p != nil { // pebble gave up
			err = unusableError{fmt.Errorf("it is damaged: %v", p)}
		}
		if err != nil && d.lock != nil {
			err = errors.Join(err, d.lock.Close())
		}
	}()
	d.names, d.kick, d.stop, d.failed = newNames(), make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	d.err.Store(nil)
	d.once = sync.Once{}
	d.filter, d.next, d.writing, d.lock = nil, nil, nil, nil
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	if d.lock, err = pebble.LockDirectory(d.dir, vfs.Default); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(d.dir, damagedFile)); err == nil {
		return unusableError{errors.New("it was found damaged before")}
	}
	if d.db, err = pebble.Open(d.dir, d.options()); err != nil {
		if ours(err) {
			return err
		}
		return unusableError{fmt.Errorf("it is damaged: %w", err)}
	}
	if err := x.load(); err != nil {
		return errors.Join(unusableError{err}, d.db.Close())
	}
	x.refill()
	d.wg.Go(func() { x.write(d.stop) })
	return nil
}

// ours tells errors that say nothing of the index, but of where it lies.
func ours(err error) bool {
	for _, other := range []error{fs.ErrPermission, syscall.ENOSPC, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, other) {
			return true
		}
	}
	return false
}

// options: no write-ahead log, since the trail is that. The filters answer for
// identities that are not known, which is nearly every look-up.
func (d *disk) options() *pebble.Options {
	o := &pebble.Options{
		DisableWAL: true, CacheSize: d.opts.Cache, MemTableSize: uint64(d.opts.MemTable), //nolint:gosec // not negative
		MaxOpenFiles: 1000, FormatMajorVersion: pebble.FormatNewest, Logger: logger{d}, Lock: d.lock,
		// many files are gathered before they are merged: each merge writes an entry
		// anew, and look-ups seldom get that far
		L0CompactionThreshold: 12, L0CompactionFileThreshold: 1000, L0StopWritesThreshold: 48, LBaseMaxBytes: 512 << 20,
		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 1 },
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) {
				if pebble.IsCorruptionError(err) {
					d.fail(err)
				} else {
					d.opts.Log.Error("index: work in the background failed; it is tried again", zap.Error(err))
				}
			},
			DataCorruption: func(i pebble.DataCorruptionInfo) { d.fail(i.Details) },
		},
	}
	for i := range o.Levels {
		o.Levels[i] = pebble.LevelOptions{
			FilterPolicy: bloom.FilterPolicy(10), BlockSize: 4 << 10,
			Compression: func() *sstable.CompressionProfile { return block.NoCompression }, // hashes
		}
		o.TargetFileSizes[i] = 8 << 20
	}
	return o
}

// empty begins anew.
func (x *Index) empty(reason string) error {
	x.disk.opts.Log.Warn("the index is emptied and filled from the trail, which takes a while", zap.String("reason", reason))
	if err := os.RemoveAll(x.disk.dir); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reach, x.newest = reach{}, 0
	x.disk.meta = meta{}
	clear(x.fresh)
	clear(x.done)
	clear(x.changed)
	clear(x.floors)
	return x.start()
}

// Close writes what is not on disk yet. The index is not used any more.
func (x *Index) Close() error {
	if x.disk == nil {
		return nil
	}
	x.halt()
	x.commit()
	err := x.Err()
	if err == nil {
		err = x.disk.db.Flush()
	}
	if err := errors.Join(err, x.disk.close()); err != nil {
		return fmt.Errorf("close the index: %w", err)
	}
	return nil
}

func (d *disk) close() error { return errors.Join(d.db.Close(), d.lock.Close()) }

// halt ends the goroutine that writes.
func (x *Index) halt() {
	close(x.disk.stop)
	x.disk.wg.Wait()
}

// fail notes damage, once, so that the next Open finds it.
func (d *disk) fail(err error) {
	d.once.Do(func() {
		err := fmt.Errorf("%w: %w", ErrDamaged, err)
		d.err.Store(&err)
		d.opts.Log.Error("the index is damaged", zap.Error(err),
			zap.NamedError("mark", os.WriteFile(filepath.Join(d.dir, damagedFile), []byte(err.Error()+"\n"), 0o600)))
		close(d.failed)
	})
}

func (d *disk) failure() error {
	if err := d.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Failed is closed when Err has become one; nil for an index in memory.
func (x *Index) Failed() <-chan struct{} {
	if x.disk == nil {
		return nil
	}
	return x.disk.failed
}

// logger passes on what pebble says; it must not go on after Fatalf.
type logger struct{ d *disk }

func (l logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.d.opts.Log.Warn("index: " + fmt.Sprintf(format, args...))
}

func (l logger) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.d.fail(err)
	panic(err)
}
