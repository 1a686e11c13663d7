package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stale is how old a temporary file is that nobody writes any more: an adapter is set up
// anew while the one before still runs.
const stale = time.Hour

// Sweep removes from a directory what a crash has left half written, an hour later.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".tmp-") {
			continue
		}
		if err := removeOlder(dir, e, time.Now().Add(-stale)); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes the files in a directory that were last written before a moment. A
// directory that is not there has none.
func Forget(dir string, before time.Time) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		err = errors.Join(err, removeOlder(dir, e, before))
	}
	return err
}

// removeOlder removes a file unless it is younger, or no file.
func removeOlder(dir string, e os.DirEntry, before time.Time) error {
	info, err := e.Info()
	if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) {
		return nil //nolint:nilerr // who is gone needs no removal
	}
	if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
