package adaptertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/amtsbote/amtsbote/hub"
)

// state is a hub.State in memory, with the limits of the contract.
type state struct {
	mu     sync.Mutex
	values map[string][]byte
}

var stateKey = regexp.MustCompile(`^[A-Za-z0-9_=-]([A-Za-z0-9_.=-]{0,126}[A-Za-z0-9_=-])?$`)

const maxStateValue = 64 << 10

func (s *state) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.check(ctx, key, nil); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.values[key]), nil
}

func (s *state) Put(ctx context.Context, key string, value []byte) error {
	if err := s.check(ctx, key, value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[key] = append([]byte{}, value...)
	return nil
}

func (s *state) Delete(ctx context.Context, key string) error {
	if err := s.check(ctx, key, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return nil
}

func (s *state) check(ctx context.Context, key string, value []byte) error {
	switch {
	case !stateKey.MatchString(key):
		return hub.Permanent("state-key", "state: a key is not [A-Za-z0-9_.=-]{1,128} without outer dots")
	case len(value) > maxStateValue:
		return hub.Permanent("state-value", "state: a value is larger than 64 KiB")
	}
	return ctx.Err()
}

// blobs is a hub.Blobs in memory. References follow from the content, as the
// hub's do, so that an event that is made anew has the same data.
type blobs struct {
	mu      sync.Mutex
	content map[string][]byte
}

func (b *blobs) Put(ctx context.Context, r io.Reader) (hub.BlobRef, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return hub.BlobRef{}, fmt.Errorf("put blob: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return hub.BlobRef{}, err
	}
	sum := sha256.Sum256(content)
	ref := hub.BlobRef{
		Ref:    "blob:" + base64.RawURLEncoding.EncodeToString(sum[:]),
		SHA256: hex.EncodeToString(sum[:]),
		Size:   int64(len(content)),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.content[ref.Ref] = content
	return ref, nil
}

func (b *blobs) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	content, there := b.get(ref)
	if !there {
		return nil, hub.Permanent("blob-missing", "open blob: no such reference")
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (b *blobs) get(ref string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, there := b.content[ref]
	return content, there
}

// verify finds the references in e's data and in its dataref: each blob must be
// there; where sha256 and size stand beside "ref", they must be the blob's.
func (b *blobs) verify(e hub.Event) error {
	if ref, ok := e.Extensions()[hub.AttrDataRef].(string); ok && strings.HasPrefix(ref, "blob:") {
		if _, there := b.get(ref); !there {
			return fmt.Errorf("the blob of dataref (%s) is not in the store", ref)
		}
	}
	for _, claim := range blobClaims(e) {
		content, there := b.get(claim.ref)
		if !there {
			return fmt.Errorf("its data names a blob (%s) that is not in the store", claim.ref)
		}
		sum := sha256.Sum256(content)
		if claim.sha256 != "" && claim.sha256 != hex.EncodeToString(sum[:]) {
			return fmt.Errorf("its data gives another digest for %s than the blob has", claim.ref)
		}
		if claim.size >= 0 && claim.size != float64(len(content)) {
			return fmt.Errorf("its data gives another size for %s than the blob has", claim.ref)
		}
	}
	return nil
}
