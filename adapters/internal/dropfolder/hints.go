package dropfolder

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// hints are notices of the operating system that in/ has a new file. They only
// make the next look come sooner: network shares give none, and a burst may lose
// some, so polling is the truth.
type hints struct {
	watcher *fsnotify.Watcher // nil where there are no notices
	telling func(name string) bool
	last    time.Time // when the last early look was due
}

// hintGap lies between two early looks at least: files come in bursts.
const hintGap = 100 * time.Millisecond

func (f *Folder) listen() *hints {
	if f.noHints {
		return &hints{}
	}
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		err = watcher.Add(f.path(f.cfg.In))
	}
	if err != nil {
		f.log.Debug("drop folder: polling only", errorField(err))
		if watcher != nil {
			_ = watcher.Close()
		}
		return &hints{}
	}
	return &hints{watcher: watcher, telling: f.completes}
}

// completes tells whether a look is worthwhile once name has come: where there
// are sidecars, only they make a file ready.
func (f *Folder) completes(name string) bool {
	if f.cfg.Sidecar != "" {
		return strings.HasSuffix(name, f.cfg.Sidecar)
	}
	return f.ours(name)
}

func (h *hints) close() {
	if h.watcher != nil {
		_ = h.watcher.Close()
	}
}

// next waits for the next look and tells whether it counts as a poll.
func (h *hints) next(ctx context.Context, tick <-chan time.Time) bool {
	var events <-chan fsnotify.Event
	if h.watcher != nil {
		events = h.watcher.Events
	}
	var early <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case <-early:
			h.last = time.Now()
			return false
		case e, open := <-events:
			if !open {
				events = nil
			} else if early == nil && e.Has(fsnotify.Create) && h.telling(filepath.Base(e.Name)) {
				early = time.After(time.Until(h.last.Add(hintGap)))
			}
		}
	}
}
