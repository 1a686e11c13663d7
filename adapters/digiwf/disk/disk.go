// Package disk keeps small files so that a crash leaves them whole or absent. They
// are for the hub's user alone.
package disk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
	tempMark = ".tmp-"
)

// Folders that this process has opened. Whoever opens one again, since its settings
// were loaded anew, does so while others write there.
var (
	openedMu sync.Mutex
	opened   = map[string]bool{}
)

// halfWritten is how old a file is that nobody is writing any more.
const halfWritten = time.Hour

// Open makes a directory, and removes what a crash has left half written in it: all of
// it when this process opens it first, and later what is older than an hour.
func Open(dir string) error {
	openedMu.Lock()
	defer openedMu.Unlock()
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("make the adapter's folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look through the adapter's folder: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempMark) && (!opened[dir] || old(e, time.Now().Add(-halfWritten))) {
			err = errors.Join(err, Remove(filepath.Join(dir, e.Name())))
		}
	}
	opened[dir] = err == nil || opened[dir]
	return err
}

func old(e fs.DirEntry, before time.Time) bool {
	info, err := e.Info()
	return err == nil && info.ModTime().Before(before)
}

// Put writes v as JSON in place of what the file held; it is synced when Put
// returns.
func Put(path string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the adapter's memory: %w", err)
	}
	return Write(path, raw)
}

// Write is Put for bytes.
func Write(path string, raw []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), tempMark+"*")
	if err != nil {
		return fmt.Errorf("write the adapter's memory: %w", err)
	}
	_, err = temp.Write(raw)
	err = errors.Join(err, temp.Chmod(fileMode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the adapter's memory: %w", err), os.Remove(temp.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// ErrDamaged says that a file does not hold what was written.
var ErrDamaged = errors.New("the file is damaged")

// Get reads what Put wrote; there is false when there is no such file.
func Get(path string, into any) (there bool, err error) {
	raw, err := os.ReadFile(path) //nolint:gosec // below the adapter's folder, under a name of its own
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read the adapter's memory: %w", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, fmt.Errorf("read the adapter's memory: %s: %w", filepath.Base(path), ErrDamaged)
	}
	return true, nil
}

// Remove takes a file away, if it is there.
func Remove(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("clear the adapter's memory: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// Names lists the files of a directory with this ending, without it, in order.
func Names(dir, ending string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look through the adapter's folder: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ending); ok && !strings.HasPrefix(name, tempMark) {
			names = append(names, name)
		}
	}
	return names, nil
}

// OlderThan is Names for files that were written before that time.
func OlderThan(dir, ending string, before time.Time) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look through the adapter's folder: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ending); ok && !strings.HasPrefix(name, tempMark) && old(e, before) {
			names = append(names, name)
		}
	}
	return names, nil
}

// syncDir makes what was done in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err == nil {
		err = errors.Join(d.Sync(), d.Close())
	}
	if err != nil {
		return fmt.Errorf("sync the adapter's folder: %w", err)
	}
	return nil
}

// taken are the files that somebody in this process holds: source and sink of an
// adapter share its folder and are made apart.
var (
	mu    sync.Mutex
	taken = map[string]chan struct{}{}
)

// Hold waits until nobody else in this process holds the path.
func Hold(ctx context.Context, path string) (leave func(), err error) {
	for {
		mu.Lock()
		other, held := taken[path]
		if !held {
			mine := make(chan struct{})
			taken[path] = mine
			mu.Unlock()
			return func() {
				mu.Lock()
				delete(taken, path)
				mu.Unlock()
				close(mine)
			}, nil
		}
		mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the same message: %w", ctx.Err())
		}
	}
}
