package mapping

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/amtsbote/amtsbote/hub"
)

const (
	caseKeyName  = "mapping-key"
	caseKeyBytes = 32
)

// CaseKey gives the secret that subjects are made of, with what the input names as
// its case: a repetition gives the same event, and nobody finds the input's numbers
// by trying. It comes from the operator's file, read by ReadKey; without one
// (fixed is nil) it is made at first use and kept in the adapter's memory, and with
// that memory it is lost.
func CaseKey(ctx context.Context, s hub.State, fixed []byte) ([]byte, error) {
	if fixed != nil {
		return fixed, nil
	}
	key, err := s.Get(ctx, caseKeyName)
	if err != nil {
		return nil, fmt.Errorf("read the key of the cases: %w", err)
	}
	switch {
	case len(key) == caseKeyBytes:
		return key, nil
	case key != nil:
		return nil, fmt.Errorf("read the key of the cases: the adapter's memory holds %d bytes, not %d; restore it from a backup, or give case-key-file",
			len(key), caseKeyBytes)
	}
	key = make([]byte, caseKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make the key of the cases: %w", err)
	}
	if err := s.Put(ctx, caseKeyName, key); err != nil {
		return nil, fmt.Errorf("keep the key of the cases: %w", err)
	}
	return key, nil
}

// ReadKey reads a key file: 64 hexadecimal digits, as openssl rand -hex 32 writes
// them. An empty path gives nil.
func ReadKey(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // named by the operator
	if err != nil {
		return nil, fmt.Errorf("read the key of the cases: %w", err)
	}
	raw = bytes.TrimSpace(raw)
	key := make([]byte, hex.DecodedLen(len(raw)))
	if n, err := hex.Decode(key, raw); err != nil || n != caseKeyBytes {
		return nil, errors.New("read the key of the cases: the file must hold 64 hexadecimal digits (openssl rand -hex 32)")
	}
	return key, nil
}
