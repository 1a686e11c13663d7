package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"
)

// keySize is that of AES-256.
const keySize = 32

// Key reads the key of the ledger in dir, or makes one, readable by its owner
// only; a spare lies beside it. Books whose key is gone cannot be read: they are set aside, and the
// ledger begins anew.
func Key(dir string) (key []byte, lost bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("read the key of the ledger: %w", err)
	}
	path := filepath.Join(dir, "key")
	spare := filepath.Join(dir, "key.spare")
	for _, from := range []string{path, spare} {
		if key, err = readKey(from); err != nil {
			return nil, false, fmt.Errorf("read the key of the ledger: %w", err)
		}
		if key != nil {
			return key, false, errors.Join(writeKey(path, key), writeKey(spare, key))
		}
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
	if err := errors.Join(writeKey(path, key), writeKey(spare, key)); err != nil {
		return nil, lost, fmt.Errorf("make the key of the ledger: %w", err)
	}
	return key, lost, nil
}

// readKey reads a key and its CRC-32; nil when it is gone or damaged.
func readKey(path string) ([]byte, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // our own data directory
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil || len(raw) != keySize+4 || crc32.ChecksumIEEE(raw[:keySize]) != binary.BigEndian.Uint32(raw[keySize:]) {
		return nil, err
	}
	return raw[:keySize], nil
}

// writeKey writes a key that is not there yet.
func writeKey(path string, key []byte) error {
	if is, err := readKey(path); err == nil && bytes.Equal(is, key) {
		return nil
	}
	f, err := replace(path, binary.BigEndian.AppendUint32(bytes.Clone(key), crc32.ChecksumIEEE(key)))
	if err != nil {
		return err
	}
	return f.Close()
}
