package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// tokenBucket holds the API tokens that the hub has issued, by their digests; its
// stream is KV_TOKENS.
const (
	tokenBucket = "TOKENS"
	maxTokens   = 16 << 20
)

// EnsureTokens opens the store of API tokens, or makes it.
func (b *Bus) EnsureTokens(ctx context.Context, replicas int) (*Store, error) {
	return b.ensureBucket(ctx, tokenBucket, maxTokens, replicas)
}

func (b *Bus) ensureBucket(ctx context.Context, bucket string, maxBytes int64, replicas int) (*Store, error) {
	kv, err := b.js.KeyValue(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucket, History: 1, Storage: jetstream.FileStorage, MaxBytes: maxBytes,
			MaxValueSize: maxState, Replicas: max(replicas, 1),
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", bucket, err)
	}
	return &Store{kv}, nil
}

// All gives every value by its key.
func (s *Store) All(ctx context.Context) (map[string][]byte, error) {
	w, err := s.kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("read the store %s: %w", s.kv.Bucket(), err)
	}
	defer func() { _ = w.Stop() }()
	out := map[string][]byte{}
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case e := <-w.Updates():
			if e == nil { // all that was there
				return out, nil
			}
			out[e.Key()] = e.Value()
		}
	}
}
