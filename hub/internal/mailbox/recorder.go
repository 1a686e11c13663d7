package mailbox

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// Recorder writes outcomes to the trail, those of all mailboxes that wait at
// the same time in one batch, and with it one sync.
type Recorder struct {
	bus       *bus.Bus
	index     *index.Index
	delivered func(*decision.Delivery)
	log       *zap.Logger
	in        chan *record
}

type record struct {
	delivery *decision.Delivery // nil: only to hear that all before is written
	done     chan error
}

// NewRecorder makes a Recorder; delivered is told of every outcome once it is
// in the trail.
func NewRecorder(b *bus.Bus, x *index.Index, delivered func(*decision.Delivery), log *zap.Logger) *Recorder {
	return &Recorder{bus: b, index: x, delivered: delivered, log: log, in: make(chan *record, bus.MaxBatch)}
}

// Record returns nil when all of ds are in the trail; after an error some may
// be, and all are to be recorded again.
func (r *Recorder) Record(ctx context.Context, ds ...*decision.Delivery) error {
	recs := make([]*record, len(ds))
	for i, d := range ds {
		recs[i] = &record{d, make(chan error, 1)}
		select {
		case r.in <- recs[i]:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, rec := range recs {
		select {
		case err := <-rec.done:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Flush returns when everything is in the trail and the index that was given to
// Record before, also by callers that have given up waiting.
func (r *Recorder) Flush(ctx context.Context) error { return r.Record(ctx, nil) }

// Run writes until ctx ends.
func (r *Recorder) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-r.in:
			batch := r.gather(first)
			err := r.write(ctx, batch)
			for _, rec := range batch {
				rec.done <- err
			}
		}
	}
}

func (r *Recorder) gather(first *record) []*record {
	batch := []*record{first}
	for len(batch) < bus.MaxBatch {
		select {
		case rec := <-r.in:
			batch = append(batch, rec)
		default:
			return batch
		}
	}
	return batch
}

func (r *Recorder) write(ctx context.Context, batch []*record) error {
	var msgs []event.Message
	var ds []*decision.Delivery
	for _, rec := range batch {
		if rec.delivery == nil {
			continue
		}
		m, err := trail.Delivery(rec.delivery)
		if err != nil {
			return err
		}
		msgs, ds = append(msgs, m), append(ds, rec.delivery)
	}
	if len(msgs) == 0 {
		return nil
	}
	first, err := r.bus.AppendUnguarded(ctx, msgs)
	if err != nil {
		return fmt.Errorf("record outcomes: %w", err)
	}
	for i, d := range ds {
		r.index.Delivered(d, first+uint64(i))
		r.delivered(d)
	}
	return nil
}
