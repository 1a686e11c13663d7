package bus

import (
	"context"
	"time"
)

// Since is the sequence of a stream, at most upTo, of a message from which on all were
// stored at a time or later. It halves the span in each step.
func (b *Bus) Since(ctx context.Context, stream string, at time.Time, upTo uint64) (uint64, error) {
	lo, hi := uint64(1), upTo
	for lo < hi {
		mid := lo + (hi-lo)/2
		m, err := b.At(ctx, stream, mid, ">")
		if err != nil {
			return 0, err
		}
		if m == nil || m.Seq >= hi || !m.Time.Before(at) {
			hi = mid
		} else {
			lo = m.Seq + 1
		}
	}
	return lo, nil
}
