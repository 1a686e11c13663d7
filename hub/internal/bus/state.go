package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// bucket names; their streams are KV_STATE and OBJ_BLOBS. Both are the hub's
// own and, as JetStream's key-value and object stores need it, the only ones
// with roll-up.
const (
	stateBucket = "STATE"
	blobBucket  = "BLOBS"
	maxState    = 64 << 10
)

// Store is the durable key-value memory that sources keep.
type Store struct{ kv jetstream.KeyValue }

// EnsureStore opens the key-value store, or makes it.
func (b *Bus) EnsureStore(ctx context.Context, maxBytes int64, replicas int) (*Store, error) {
	return b.ensureBucket(ctx, stateBucket, maxBytes, replicas)
}

// OpenStore opens the key-value store for reading; nil when there is none yet.
func (b *Bus) OpenStore(ctx context.Context) (*Store, error) {
	kv, err := b.js.KeyValue(ctx, stateBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the state store: %w", err)
	}
	return &Store{kv}, nil
}

// Get returns nil, nil for an unknown key.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	e, err := s.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state %q: %w", key, err)
	}
	return e.Value(), nil
}

// Put stores a value; it is synced when Put returns.
func (s *Store) Put(ctx context.Context, key string, value []byte) error {
	if _, err := s.kv.Put(ctx, key, value); err != nil {
		return fmt.Errorf("write state %q: %w", key, meaning(err))
	}
	return nil
}

// Delete forgets a key.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.kv.Purge(ctx, key); err != nil {
		return fmt.Errorf("delete state %q: %w", key, meaning(err))
	}
	return nil
}
