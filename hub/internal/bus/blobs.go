package bus

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// Blobs is the store of originals and attachments. A blob's name follows from its
// owner and its digest, so that a source which starts again after a crash gives an
// event the same reference, and with it the same content, as before; and from a key, so
// that who knows a document's digest cannot name it.
type Blobs struct {
	store  jetstream.ObjectStore
	stream jetstream.Stream // that store lies in
	key    []byte           // of names; nil: only reading

	naming sync.Mutex // one at a time, or the same bytes would be there twice
}

const (
	blobPrefix = "blob:"
	unfinished = "unfinished-"
	keyOfNames = "key-of-names"
)

// How long bytes may take to come and to go.
const (
	putTime  = 20 * time.Minute
	openTime = time.Hour
)

// EnsureBlobs opens the object store, or makes it.
func (b *Bus) EnsureBlobs(ctx context.Context, maxBytes int64, replicas int) (*Blobs, error) {
	_, err := b.js.ObjectStore(ctx, blobBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = b.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: blobBucket, Storage: jetstream.FileStorage, MaxBytes: maxBytes, Replicas: max(replicas, 1),
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open the blob store: %w", err)
	}
	blobs, err := b.OpenBlobs(ctx)
	if err != nil {
		return nil, err
	}
	if blobs.key, err = blobs.store.GetBytes(ctx, keyOfNames); err == nil && len(blobs.key) == sha256.Size {
		return blobs, nil
	}
	if !errors.Is(err, jetstream.ErrObjectNotFound) { // damaged: the same bytes get another name from here on
		b.log.Error("the key of the blobs' names cannot be read; a new one is made", zap.Error(err))
	}
	blobs.key = make([]byte, sha256.Size)
	_, _ = rand.Read(blobs.key) // never fails
	if _, err := blobs.store.PutBytes(ctx, keyOfNames, blobs.key); err != nil {
		return nil, fmt.Errorf("the key of the blobs' names: %w", err)
	}
	return blobs, nil
}

// OpenBlobs opens the object store for reading.
func (b *Bus) OpenBlobs(ctx context.Context) (*Blobs, error) {
	store, err := b.js.ObjectStore(ctx, blobBucket)
	if err != nil {
		return nil, fmt.Errorf("open the blob store: %w", err)
	}
	stream, err := b.js.Stream(ctx, "OBJ_"+blobBucket)
	if err != nil {
		return nil, fmt.Errorf("open the blob store: %w", err)
	}
	return &Blobs{store: store, stream: stream}, nil
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

// PutFor is Put, and counts the blob to who; fresh is false when it was there. r ends
// it, not ctx: what is cut off between two steps would leave bytes or half of a name.
func (b *Blobs) PutFor(ctx context.Context, who string, r io.Reader) (ref hub.BlobRef, fresh bool, err error) {
	sum := sha256.New()
	temp := unfinished + nuid.Next()
	var about map[string]string
	if who != "" {
		about = map[string]string{owner: who}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putTime)
	defer cancel()
	info, err := b.store.Put(ctx, jetstream.ObjectMeta{Name: temp, Metadata: about}, whole{io.TeeReader(r, sum)})
	if err != nil {
		return hub.BlobRef{}, false, fmt.Errorf("store a blob: %w", meaning(err))
	}
	digest := sum.Sum(nil)
	name := b.name(who, digest)
	ref = hub.BlobRef{Ref: blobPrefix + name, SHA256: hex.EncodeToString(digest), Size: int64(info.Size)} //nolint:gosec // far below
	b.naming.Lock()
	defer b.naming.Unlock()
	err = b.store.UpdateMeta(ctx, temp, jetstream.ObjectMeta{Name: name, Metadata: about})
	fresh = err == nil
	if errors.Is(err, jetstream.ErrObjectAlreadyExists) {
		err = errors.Join(b.purge(ctx, "C."+info.NUID), b.purgeMeta(ctx, temp))
	}
	if err != nil {
		return hub.BlobRef{}, false, fmt.Errorf("name a blob: %w", meaning(err))
	}
	return ref, fresh, nil
}

func (b *Blobs) name(who string, digest []byte) string {
	mac := hmac.New(sha256.New, b.key)
	mac.Write([]byte(who + "\x00"))
	mac.Write(digest)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// whole fills what it is given to read into: each becomes a message of its own.
type whole struct{ io.Reader }

// Read implements io.Reader.
func (r whole) Read(p []byte) (int, error) {
	n, err := io.ReadFull(r.Reader, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// purge removes what lies at a subject of the object store, "C.<nuid>" for bytes.
func (b *Blobs) purge(ctx context.Context, subject string) error {
	return b.stream.Purge(ctx, jetstream.WithPurgeSubject("$O."+blobBucket+"."+subject))
}

// purgeMeta removes what is known of a name, and leaves no mark that it was there.
func (b *Blobs) purgeMeta(ctx context.Context, name string) error {
	return b.purge(ctx, "M."+base64.URLEncoding.EncodeToString([]byte(name)))
}

// Open streams a blob; reading to the end checks its digest.
func (b *Blobs) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	name, ok := strings.CutPrefix(ref, blobPrefix)
	if !ok {
		return nil, hub.Permanent("blob-missing", "no blob reference")
	}
	// without a deadline of its own the library ends it after that of one request
	ctx, cancel := context.WithTimeout(ctx, openTime)
	blob, err := b.open(ctx, name)
	if err != nil {
		cancel()
		return nil, err
	}
	blob.cancel = cancel
	return blob, nil
}

func (b *Blobs) open(ctx context.Context, name string) (*Blob, error) {
	obj, err := b.store.Get(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, hub.Permanent("blob-missing", "the blob is not there")
	}
	if err != nil {
		return nil, fmt.Errorf("open a blob: %w", err)
	}
	info, err := obj.Info()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a blob: %w", err), obj.Close())
	}
	return &Blob{ReadCloser: obj, Size: int64(info.Size)}, nil //nolint:gosec // far below
}

// Blob is one that is open.
type Blob struct {
	io.ReadCloser
	Size int64 // bytes

	cancel context.CancelFunc
}

// Close implements io.Closer.
func (b *Blob) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// Sweep removes what an interrupted Put left behind. Call it before any source
// runs.
func (b *Blobs) Sweep(ctx context.Context) (int, error) {
	list, err := b.store.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return 0, fmt.Errorf("list blobs: %w", err)
	}
	n, named := 0, map[string]bool{}
	for _, info := range list {
		if !strings.HasPrefix(info.Name, unfinished) {
			named[info.NUID] = true
		}
	}
	for _, info := range list {
		if !strings.HasPrefix(info.Name, unfinished) {
			continue
		}
		// its bytes may have got their name already: they are swept below if not
		if err := b.purgeMeta(ctx, info.Name); err != nil {
			return n, fmt.Errorf("remove an unfinished blob: %w", err)
		}
		n++
	}
	lost, err := b.sweepBytes(ctx, named)
	return n + lost, err
}

// sweepBytes removes bytes that have no name.
func (b *Blobs) sweepBytes(ctx context.Context, named map[string]bool) (n int, err error) {
	prefix := "$O." + blobBucket + ".C."
	info, err := b.stream.Info(ctx, jetstream.WithSubjectFilter(prefix+">"))
	if err != nil {
		return 0, fmt.Errorf("list the bytes of blobs: %w", err)
	}
	for subject := range info.State.Subjects {
		id := strings.TrimPrefix(subject, prefix)
		if named[id] {
			continue
		}
		if err := b.purge(ctx, "C."+id); err != nil {
			return n, fmt.Errorf("remove bytes without a name: %w", err)
		}
		n++
	}
	return n, nil
}
