package bus

import (
	"context"
	"fmt"
	"math"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Subjects tells how many messages lie at each subject of a stream that fits
// filter.
func (b *Bus) Subjects(ctx context.Context, stream, filter string) (map[string]uint64, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", stream, err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, fmt.Errorf("list the subjects %s of stream %s: %w", filter, stream, err)
	}
	return info.State.Subjects, nil
}

// Everything is behind the last sequence of any stream.
const Everything = math.MaxUint64

// Purge removes what lies at the subjects that fit filter, up to sequence upTo;
// Everything removes all that is there now. Purging again is harmless. Whatever goes, it
// costs as much as one block of the store that is read and written anew: smaller steps
// only add to it.
func (b *Bus) Purge(ctx context.Context, stream, filter string, upTo uint64) error {
	upTo, err := b.removing(ctx, stream, filter, upTo)
	if err != nil {
		return fmt.Errorf("purge %s of stream %s: %w", filter, stream, err)
	}
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", stream, err)
	}
	opts := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(filter)}
	if upTo != Everything { // the server purges up to, but not including, the sequence given
		opts = append(opts, jetstream.WithPurgeSequence(upTo+1))
	}
	defer b.removed(stream, 1, upTo)
	if err := s.Purge(ctx, opts...); err != nil {
		return fmt.Errorf("purge %s of stream %s: %w", filter, stream, err)
	}
	return nil
}

// Page gives the first messages behind sequence after whose subject fits
// filter, in sequence: at most limit, and no more than fit into one batch.
func (b *Bus) Page(ctx context.Context, stream, filter string, after uint64, limit int) ([]*event.Message, error) {
	var page []*event.Message
	for size := 0; len(page) < limit; {
		m, err := b.At(ctx, stream, after+1, filter)
		if err != nil || m == nil {
			return page, err
		}
		if size += len(m.Data); len(page) > 0 && size > MaxBatchBytes {
			break
		}
		page = append(page, m)
		after = m.Seq
	}
	return page, nil
}
