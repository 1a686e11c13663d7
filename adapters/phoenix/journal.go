package phoenix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
)

// journal is an adapter's durable memory: small files in folders, synced one by one.
// It holds digests, types and opaque references, nothing of an event's data.
type journal struct {
	dir      string
	remember time.Duration

	mu   sync.Mutex
	next time.Time // of forgetting
}

// The folders.
const (
	done    = "getan"    // deliveries that are told; forgotten after a while
	tries   = "versuche" // what may have been told to one target, or was
	waits   = "wartet"   // what the next digest tells
	dirMode = 0o750
)

func openJournal(dir string, remember time.Duration) (*journal, error) {
	j := &journal{dir: dir, remember: remember}
	for _, sub := range []string{done, tries, waits} {
		if err := os.MkdirAll(filepath.Join(dir, sub), dirMode); err != nil {
			return nil, fmt.Errorf("make the folder of what was told: %s", reason(err))
		}
	}
	return j, nil
}

func (j *journal) path(elem ...string) string {
	return filepath.Join(append([]string{j.dir}, elem...)...)
}

// has takes a file for absent only if the disk says so.
func (j *journal) has(sub, name string) (bool, error) {
	_, err := os.Stat(j.path(sub, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up what was told: %s", reason(err))
	}
	return true, nil
}

// read gives nil for a file that is not there.
func (j *journal) read(elem ...string) ([]byte, error) {
	raw, err := os.ReadFile(j.path(elem...))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up what was told: %s", reason(err))
	}
	return raw, nil
}

// put makes a file durable.
func (j *journal) put(content []byte, elem ...string) error {
	if err := dropfolder.WriteSynced(j.path(elem...), content); err != nil {
		return fmt.Errorf("note what was told: %s", reason(err))
	}
	return nil
}

// drop removes a file, if it is there.
func (j *journal) drop(elem ...string) error {
	if err := os.Remove(j.path(elem...)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget what was told: %s", reason(err))
	}
	return nil
}

// list gives the names in a folder, but for what a crash has left half written.
func (j *journal) list(sub string) ([]string, error) {
	entries, err := os.ReadDir(j.path(sub))
	if err != nil {
		return nil, fmt.Errorf("look up what was told: %s", reason(err))
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// mark makes empty files durable, with one sync of their folder.
func (j *journal) mark(sub string, names []string) error {
	for _, name := range names {
		f, err := os.OpenFile(j.path(sub, name), os.O_WRONLY|os.O_CREATE, 0o640) //nolint:gosec // as the other files
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return fmt.Errorf("note what was told: %s", reason(err))
		}
	}
	if err := dropfolder.SyncDir(j.path(sub)); err != nil {
		return fmt.Errorf("note what was told: %s", reason(err))
	}
	return nil
}

// tidy forgets what was told long ago; called again and again it looks once an hour, and
// ends with ctx.
func (j *journal) tidy(ctx context.Context, now time.Time) error {
	if !j.mu.TryLock() { // another does
		return nil
	}
	defer j.mu.Unlock()
	if now.Before(j.next) {
		return nil
	}
	j.next = now.Add(time.Hour)
	for _, sub := range []string{done, tries} {
		if err := j.tidyFolder(ctx, sub, now.Add(-j.remember)); err != nil {
			return err
		}
	}
	return nil
}

// tidyFolder reads a folder piece by piece: it can hold a million marks.
func (j *journal) tidyFolder(ctx context.Context, sub string, before time.Time) error {
	folder, err := os.Open(j.path(sub))
	if err != nil {
		return fmt.Errorf("forget what was told: %s", reason(err))
	}
	defer func() { _ = folder.Close() }()
	for ctx.Err() == nil {
		entries, err := folder.ReadDir(1000)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("forget what was told: %s", reason(err))
		}
		for _, e := range entries {
			if info, err := e.Info(); err != nil || !info.ModTime().Before(before) {
				continue
			}
			if err := j.drop(sub, e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}
