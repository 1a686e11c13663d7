// Package spool writes single files so that a crash leaves them whole or absent.
package spool

import (
	"errors"
	"os"
	"path/filepath"
)

// The rights of what is written: the hub's user and its group.
const (
	DirMode  = 0o750
	FileMode = 0o640
	// PrivateMode is for what holds personal data and is the adapter's alone.
	PrivateMode = 0o600
)

// Replace writes a file, synced to disk, in place of an older one of the name.
func Replace(path string, content []byte) error { return replace(path, content, FileMode) }

// Private is Replace for what nobody else may read.
func Private(path string, content []byte) error { return replace(path, content, PrivateMode) }

func replace(path string, content []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return Sync(dir)
}

// Move renames a file into a directory of the same file system, synced.
func Move(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return Sync(filepath.Dir(to))
}

// Sync makes what was done in a directory durable.
func Sync(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
