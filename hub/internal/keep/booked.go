package keep

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// After so many messages who counts lets the others have the processor for a while: to count
// two hundred thousand takes a tenth of a second of it.
const (
	countStep = 2048
	countRest = 2 * time.Millisecond
)

// booked counts, by subject, what lies in a stream between two sequences, as the
// ledger has it; nil when that does not know all of it.
func (k *Keeper) booked(ctx context.Context, stream string, from, upTo uint64) map[string]decision.Range {
	if k.Ledger == nil || upTo == 0 {
		return nil
	}
	book, err := k.Ledger.Book(stream)
	if err != nil || book.Harm() != "" || book.First() > from || book.UpTo() < upTo {
		return nil
	}
	out, n := map[string]decision.Range{}, 0
	err = book.EachFrom(from, func(e *ledger.Entry) error {
		if e.Seq > upTo {
			return errEnough
		}
		if n++; n%countStep == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(countRest):
			}
		}
		if book.Gone(e.Subject, e.Seq) {
			return nil
		}
		r := out[e.Subject]
		if r.Messages++; r.From == 0 {
			r.From = e.Seq
		}
		r.UpTo = e.Seq
		out[e.Subject] = r
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil && !errors.Is(err, errEnough) {
		k.Log.Warn("what is removed is counted by reading it", zap.String("stream", stream), zap.Error(err))
		return nil
	}
	return out
}
