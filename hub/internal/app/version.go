package app

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// keepVersion stores a version of the federation directory, and publishes the
// schemas of what receivers get under it.
func (a *App) keepVersion(ctx context.Context, fed *federation.Federation) error {
	layout := a.cfg.layout()
	if err := a.bus.PublishSchemas(ctx, fed.Published(), layout.Schemas, layout.Replicas); err != nil {
		return err
	}
	key := versionKey(fed.Digest)
	if known, err := a.store.Get(ctx, key); err != nil || known != nil {
		return err
	}
	var archive bytes.Buffer
	if err := fed.Archive(&archive); err != nil {
		return err
	}
	ref, err := a.blobs.Put(ctx, &archive)
	if err != nil {
		return fmt.Errorf("keep this version of the federation directory: %w", err)
	}
	return a.store.Put(ctx, key, []byte(ref.Ref))
}

func versionKey(digest string) string {
	return "version." + strings.TrimPrefix(digest, "sha256:")
}

// Version gives a version of the federation directory that was in force, by the
// digest that decision records name; nil when it is not kept.
func Version(ctx context.Context, b *bus.Bus, digest string) (*federation.Federation, error) {
	store, err := b.OpenStore(ctx)
	if store == nil {
		return nil, err
	}
	ref, err := store.Get(ctx, versionKey(digest))
	if ref == nil {
		return nil, err
	}
	blobs, err := b.OpenBlobs(ctx)
	if err != nil {
		return nil, err
	}
	archive, err := blobs.Open(ctx, string(ref))
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	fed, _, err := federation.FromArchive(archive)
	return fed, err
}
