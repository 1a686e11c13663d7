package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// keySize is that of AES-256.
const keySize = 32

// Key reads the key of the ledger in dir, or makes one, readable by its owner
// only. Books whose key is gone cannot be read: they are set aside, and the
// ledger begins anew.
func Key(dir string) (key []byte, lost bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("read the key of the ledger: %w", err)
	}
	path := filepath.Join(dir, "key")
	key, err = os.ReadFile(path) //nolint:gosec // our own data directory
	if err == nil && len(key) == keySize {
		return key, false, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, false, fmt.Errorf("read the key of the ledger: %w", err)
	}
	books := filepath.Join(dir, "books")
	if _, err := os.Stat(books); err == nil {
		lost = true
		if err := os.Rename(books, books+time.Now().UTC().Format(".unreadable-20060102T150405")); err != nil {
			return nil, lost, fmt.Errorf("set the unreadable ledger aside: %w", err)
		}
	}
	key = make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, lost, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // our own data directory
	if err != nil {
		return nil, lost, fmt.Errorf("make the key of the ledger: %w", err)
	}
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, lost, fmt.Errorf("make the key of the ledger: %w", err)
	}
	return key, lost, nil
}
