package bus

import (
	"context"

	"golang.org/x/sync/semaphore"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// DefaultAhead is how many bytes all in streams together may take ahead when
// nothing else is said.
const DefaultAhead = 64 << 20

// How much one pull brings at most, in bytes: the largest message must fit into
// it. A limit in bytes alone would have the client make room for a million
// messages, 8 MB a consumer, whether they come or not.
const (
	pullBytes   = MaxPayload + 64<<10
	pullBytesIn = maxIn + 64<<10 // from an in stream
)

// ahead is what all in streams together may hold in memory: taken from the
// server, and not yet decided and carried out.
type ahead struct {
	bytes int64
	sem   *semaphore.Weighted
	// writing is what batches on their way to the server may take: it holds each
	// several times until it is stored.
	writing      *semaphore.Weighted
	writingBytes int64
}

func newAhead(bytes int64) *ahead {
	bytes = max(bytes, 4*maxIn)
	writing := max(bytes/4, MaxBatchBytes)
	return &ahead{bytes, semaphore.NewWeighted(bytes), semaphore.NewWeighted(writing), writing}
}

// Ahead sets how many bytes all in streams together may take ahead; 0 is
// DefaultAhead. It is called before the first Work.
func (b *Bus) Ahead(bytes int64) {
	if bytes > 0 {
		b.ahead = newAhead(bytes)
	}
}

// write waits until a batch may be on its way, and tells how to say that it is
// there.
func (a *ahead) write(ctx context.Context, batches ...[]event.Message) (done func(), err error) {
	size := int64(0)
	for _, msgs := range batches {
		for i := range msgs {
			size += sizeOf(&msgs[i])
		}
	}
	size = min(size, a.writingBytes)
	if err := a.writing.Acquire(ctx, size); err != nil {
		return nil, err
	}
	return func() { a.writing.Release(size) }, nil
}

// sizeOf is about what a message takes in memory.
func sizeOf(m *event.Message) int64 {
	return int64(m.InMemory())
}
