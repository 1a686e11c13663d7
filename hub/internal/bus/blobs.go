package bus

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/amtsbote/amtsbote/hub"
)

// Blobs is the store of originals and attachments. A blob's name is its digest,
// so that a source which starts again after a crash gives an event the same
// reference, and with it the same content, as before.
type Blobs struct{ store jetstream.ObjectStore }

const (
	blobPrefix = "blob:"
	unfinished = "unfinished-"
)

// EnsureBlobs opens the object store, or makes it.
func (b *Bus) EnsureBlobs(ctx context.Context, maxBytes int64, replicas int) (*Blobs, error) {
	store, err := b.js.ObjectStore(ctx, blobBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		store, err = b.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: blobBucket, Storage: jetstream.FileStorage, MaxBytes: maxBytes, Replicas: max(replicas, 1),
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open the blob store: %w", err)
	}
	return &Blobs{store}, nil
}

// OpenBlobs opens the object store for reading.
func (b *Bus) OpenBlobs(ctx context.Context) (*Blobs, error) {
	store, err := b.js.ObjectStore(ctx, blobBucket)
	if err != nil {
		return nil, fmt.Errorf("open the blob store: %w", err)
	}
	return &Blobs{store}, nil
}

// owner is the metadata of a blob that says who put it there first.
const owner = "owner"

// Used is how many bytes each owner has in the store.
func (b *Blobs) Used(ctx context.Context) (map[string]int64, error) {
	list, err := b.store.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return map[string]int64{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	out := map[string]int64{}
	for _, info := range list {
		if who := info.Metadata[owner]; who != "" {
			out[who] += int64(info.Size) //nolint:gosec // far below
		}
	}
	return out, nil
}

// Put streams r into the store.
func (b *Blobs) Put(ctx context.Context, r io.Reader) (hub.BlobRef, error) {
	ref, _, err := b.PutFor(ctx, "", r)
	return ref, err
}

// PutFor is Put, and counts the blob to who; fresh is false when it was there.
func (b *Blobs) PutFor(ctx context.Context, who string, r io.Reader) (ref hub.BlobRef, fresh bool, err error) {
	sum := sha256.New()
	temp := unfinished + nuid.Next()
	var about map[string]string
	if who != "" {
		about = map[string]string{owner: who}
	}
	info, err := b.store.Put(ctx, jetstream.ObjectMeta{Name: temp, Metadata: about}, io.TeeReader(r, sum))
	if err != nil {
		return hub.BlobRef{}, false, fmt.Errorf("store a blob: %w", meaning(err))
	}
	digest := sum.Sum(nil)
	name := base64.RawURLEncoding.EncodeToString(digest)
	ref = hub.BlobRef{Ref: blobPrefix + name, SHA256: hex.EncodeToString(digest), Size: int64(info.Size)} //nolint:gosec // far below
	err = b.store.UpdateMeta(ctx, temp, jetstream.ObjectMeta{Name: name, Metadata: about})
	fresh = err == nil
	if errors.Is(err, jetstream.ErrObjectAlreadyExists) {
		err = b.store.Delete(ctx, temp)
	}
	if err != nil {
		return hub.BlobRef{}, false, fmt.Errorf("name a blob: %w", meaning(err))
	}
	return ref, fresh, nil
}

// Open streams a blob; reading to the end checks its digest.
func (b *Blobs) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	name, ok := strings.CutPrefix(ref, blobPrefix)
	if !ok {
		return nil, hub.Permanent("blob-missing", "no blob reference")
	}
	obj, err := b.store.Get(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, hub.Permanent("blob-missing", "blob %s is not there", name)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", name, err)
	}
	info, err := obj.Info()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open blob %s: %w", name, err), obj.Close())
	}
	return &Blob{obj, int64(info.Size)}, nil //nolint:gosec // far below
}

// Blob is one that is open.
type Blob struct {
	io.ReadCloser
	Size int64 // bytes
}

// Sweep removes what an interrupted Put left behind. Call it before any source
// runs.
func (b *Blobs) Sweep(ctx context.Context) (int, error) {
	list, err := b.store.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("list blobs: %w", err)
	}
	n := 0
	for _, info := range list {
		if !strings.HasPrefix(info.Name, unfinished) {
			continue
		}
		if err := b.store.Delete(ctx, info.Name); err != nil {
			return n, fmt.Errorf("remove an unfinished blob: %w", err)
		}
		n++
	}
	return n, nil
}
