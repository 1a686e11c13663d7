package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// schemaBucket holds the event schemas of what receivers get; its stream is
// KV_SCHEMAS.
const schemaBucket = "SCHEMAS"

// PublishSchemas stores schemas where receivers find them: in the key-value
// bucket SCHEMAS, under SchemaKey of the dataschema that copies carry. What is
// there and the same stays untouched.
func (b *Bus) PublishSchemas(ctx context.Context, byDataSchema map[string][]byte, maxBytes int64, replicas int) error {
	kv, err := b.js.KeyValue(ctx, schemaBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: schemaBucket, Description: "event schemas by dataschema", History: 1,
			Storage: jetstream.FileStorage, MaxBytes: maxBytes, Replicas: max(replicas, 1),
		})
	}
	if err != nil {
		return fmt.Errorf("open the bucket of published schemas: %w", err)
	}
	for id, raw := range byDataSchema {
		key := SchemaKey(id)
		old, err := kv.Get(ctx, key)
		if err == nil && bytes.Equal(old.Value(), raw) {
			continue
		}
		if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
			return fmt.Errorf("look at the published schema %s: %w", id, err)
		}
		if _, err := kv.Put(ctx, key, raw); err != nil {
			return fmt.Errorf("publish the schema %s: %w", id, meaning(err))
		}
	}
	return nil
}

// SchemaKey is the key of a dataschema in the bucket SCHEMAS:
// urn:amtsbote:schema:de.a.b.v1?felder=0a1b is at de.a.b.v1/felder=0a1b.
func SchemaKey(dataschema string) string {
	return strings.ReplaceAll(strings.TrimPrefix(dataschema, "urn:amtsbote:schema:"), "?", "/")
}
