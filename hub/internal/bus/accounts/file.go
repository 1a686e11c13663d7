package accounts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteSecret writes a file that only its owner reads, syncs it, and only then
// gives it its name. The folder may be one where others write: until then the file
// has a name that nobody could have taken before.
func WriteSecret(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // 0600, and never one that is there
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is of no use
	} else {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // our own data directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
