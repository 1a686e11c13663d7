package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/amtsbote/amtsbote/hub"
)

// state is a hub.State of one file a key, in the folder that it names.
type state string

var stateKey = regexp.MustCompile(`^[A-Za-z0-9_=-]([A-Za-z0-9_.=-]{0,126}[A-Za-z0-9_=-])?$`)

const maxState = 64 << 10

func (s state) path(ctx context.Context, key string) (string, error) {
	if !stateKey.MatchString(key) {
		return "", hub.Permanent("state-key", "state: a key is not [A-Za-z0-9_.=-]{1,128} without outer dots")
	}
	return filepath.Join(string(s), key+".value"), ctx.Err()
}

// Get implements hub.State.
func (s state) Get(ctx context.Context, key string) ([]byte, error) {
	path, err := s.path(ctx, key)
	if err != nil {
		return nil, err
	}
	value, err := os.ReadFile(path) //nolint:gosec // below the folder: see stateKey
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return value, nil
}

// Put implements hub.State: what stands there afterwards is the old value or the new one,
// whenever the power fails.
func (s state) Put(ctx context.Context, key string, value []byte) error {
	path, err := s.path(ctx, key)
	switch {
	case err != nil:
		return err
	case len(value) > maxState:
		return hub.Permanent("state-value", "state: a value is larger than 64 KiB")
	}
	if err := s.write(path, value); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

func (s state) write(path string, value []byte) error {
	if err := os.MkdirAll(string(s), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(string(s), "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(value)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return s.sync()
}

// Delete implements hub.State.
func (s state) Delete(ctx context.Context, key string) error {
	path, err := s.path(ctx, key)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("state: %w", err)
	}
	return s.sync()
}

// sync has the folder's entries on disk.
func (s state) sync() error {
	d, err := os.Open(string(s))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
