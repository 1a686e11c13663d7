package dropfolder

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// maxBackoff is the longest pause between two tries of one file, before jitter.
const maxBackoff = time.Minute

// Handler is what Watch does with a file.
type Handler = func(context.Context, File) error

// Watch gives every file that is dropped to handle, one at a time, oldest first
// by modification time and name; what a former run left in work/ comes before
// that. What handle returns decides:
//
//   - nil: the file goes to done/YYYY/MM/DD/.
//   - a Permanent Fault: it goes to error/, with the reason beside it in
//     <name>.fehler.json, and the files behind it flow.
//   - any other error: it is tried again later with exponential back-off and
//     jitter, not before Fault.After; the files behind it wait.
//
// Symbolic links, names with path parts and files above the limit go to error/
// without being handled. Handling is at least once: after a crash the same file
// comes again. Watch returns nil when ctx ends, and an error when the folder
// itself cannot be read.
func (f *Folder) Watch(ctx context.Context, handle Handler) error {
	hints := f.listen()
	defer hints.close()
	if err := f.takeUpAgain(ctx, handle); err != nil {
		return err
	}
	tick := time.NewTicker(f.cfg.Poll)
	defer tick.Stop()
	scanner := &scanner{folder: f}
	for counts := true; ctx.Err() == nil; {
		ready, err := scanner.scan(counts)
		if err != nil {
			return err
		}
		f.Look()
		f.take(ctx, ready, handle)
		counts = hints.next(ctx, tick.C)
	}
	return nil
}

// takeUpAgain finishes what a former run had claimed.
func (f *Folder) takeUpAgain(ctx context.Context, handle Handler) error {
	files, err := f.claimed()
	if err != nil {
		return err
	}
	for _, file := range files {
		// A crash between claim and removal leaves the sidecar; where a new file
		// of the name has come, the sidecar may be its own.
		if _, err := os.Lstat(f.path(f.cfg.In, file.Name)); errors.Is(err, fs.ErrNotExist) {
			f.dropSidecar(file.Name)
		}
		f.process(ctx, file, handle)
	}
	return nil
}

func (f *Folder) take(ctx context.Context, ready []sighting, handle Handler) {
	for _, s := range ready {
		var file *File
		f.persist(ctx, "", func() (err error) {
			file, err = f.claim(s)
			return err
		})
		if file != nil {
			f.process(ctx, *file, handle)
		}
	}
}

// process tries a claimed file until it is settled or ctx ends.
func (f *Folder) process(ctx context.Context, file File, handle Handler) {
	f.persist(ctx, file.ID, func() error { return f.try(ctx, file, handle) })
}

// try handles a file once and moves it according to what came of it.
func (f *Folder) try(ctx context.Context, file File, handle Handler) error {
	if _, err := os.Lstat(file.path()); errors.Is(err, fs.ErrNotExist) {
		f.log.Warn("drop folder: claimed file has gone", zap.String("file", file.ID))
		return nil
	}
	err := file.refusal()
	if err == nil {
		err = handle(ctx, file)
	}
	switch {
	case err == nil:
		return f.done(file)
	case ctx.Err() == nil && hub.FaultOf(err).Permanent:
		return f.setAside(file, err)
	default: // also whatever comes of the hub stopping
		return err
	}
}

// persist repeats step until it succeeds or ctx ends.
func (f *Folder) persist(ctx context.Context, id string, step func() error) {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		err := step()
		if err == nil || ctx.Err() != nil {
			return
		}
		pause := f.pause(attempt, hub.FaultOf(err).After)
		f.log.Warn("drop folder: file waits", zap.String("file", id), zap.Int("attempt", attempt+1),
			zap.String("code", hub.FaultOf(err).Code), zap.Duration("pause", pause), errorField(err))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// pause is how long to wait after the failed attempt (counted from 0): doubling
// from the poll interval, spread over half to one and a half of itself.
func (f *Folder) pause(attempt int, atLeast time.Duration) time.Duration {
	base := maxBackoff
	if attempt < 30 && f.cfg.Poll < maxBackoff>>attempt {
		base = f.cfg.Poll << attempt
	}
	return max(atLeast, base/2+rand.N(base)) //nolint:gosec // jitter, not a secret
}

// errorField logs an error without the names of files in it: people's names may
// stand there.
func errorField(err error) zap.Field {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return zap.NamedError("error", e.Err)
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return zap.NamedError("error", e.Err)
	}
	return zap.Error(err)
}
