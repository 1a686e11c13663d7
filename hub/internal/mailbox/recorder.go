package mailbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// Recorder writes outcomes to the trail, those of all mailboxes that wait at
// the same time in one batch, and with it one sync. One is at work on a store: it
// begins by fencing off the one before, and by reading what that has written.
// Otherwise an outcome that was on its way when a hub ended could come to stand in
// the trail after the next hub has looked and let the copy end in another way.
type Recorder struct {
	bus       *bus.Bus
	index     *index.Index
	delivered func(*decision.Delivery)
	log       *zap.Logger
	in        chan *record
	name      string // of this recorder, in its fence
	fence     uint64 // sequence in TRAIL of the fence
}

// fenceSubject is the subject at whose last message a recorder knows that no other has
// begun since.
var fenceSubject = decision.CursorSubject("trail", decision.CursorOutcomes)

// fenceEvery is how far the trail gets before the fence is moved up. For each
// batch the server looks at it, and would have to load an old block to do that.
const fenceEvery = 1000

type record struct {
	delivery *decision.Delivery // nil: only to hear that all before is written
	done     chan error
}

// NewRecorder makes a Recorder; delivered is told of every outcome once it is
// in the trail.
func NewRecorder(b *bus.Bus, x *index.Index, delivered func(*decision.Delivery), log *zap.Logger) *Recorder {
	return &Recorder{bus: b, index: x, delivered: delivered, log: log, in: make(chan *record, bus.MaxBatch), name: nuid.Next()}
}

// Record returns nil when all of ds are in the trail and the index. After an
// error each of them may still get there, but none after a later Flush.
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
// Record before, also by callers that have given up waiting, and by the hub
// before.
func (r *Recorder) Flush(ctx context.Context) error { return r.Record(ctx, nil) }

// Run writes until ctx ends, or another recorder has begun.
func (r *Recorder) Run(ctx context.Context) error {
	if err := r.untilDone(ctx, func() error { return r.takeOver(ctx) }); err != nil {
		return nil //nolint:nilerr // only since ctx has ended
	}
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
			if errors.Is(err, errBegun) {
				return err
			}
		}
	}
}

// takeOver fences off the recorder before, and who took out expired copies then,
// since these end too; then it has the index read what they have written.
func (r *Recorder) takeOver(ctx context.Context) (err error) {
	expiry := r.mark()
	expiry.Subject = decision.CursorSubject("trail", decision.CursorExpiry)
	if r.fence, err = r.bus.AppendUnguarded(ctx, []event.Message{r.mark(), expiry}); err != nil {
		return err
	}
	if err := r.bus.Read(ctx, bus.Trail, r.index.Applied()+1, nil, r.index.Apply); err != nil {
		return fmt.Errorf("read the trail to its end: %w", err)
	}
	return nil
}

func (r *Recorder) mark() event.Message {
	data, _ := json.Marshal(decision.Cursor{Batch: r.name}) // numbers and a name
	return event.Message{Subject: fenceSubject, Data: data}
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
	var first uint64
	// nobody is told that it failed: the batch may be stored, and what comes next
	// must not say otherwise of its copies
	err := r.untilDone(ctx, func() (err error) {
		first, err = r.store(ctx, msgs)
		return err
	})
	if err != nil {
		return err
	}
	for i, d := range ds {
		r.index.Delivered(d, first+uint64(i))
		r.delivered(d)
	}
	r.moveUp(ctx, first+uint64(len(ds)))
	return nil
}

// store appends outcomes, and gives the sequence of the first.
func (r *Recorder) store(ctx context.Context, msgs []event.Message) (uint64, error) {
	first, err := r.bus.AppendBehind(ctx, msgs, fenceSubject, r.fence)
	if errors.Is(err, bus.ErrFenced) {
		return 0, r.look(ctx)
	}
	return first, err
}

// errBegun means that another recorder has fenced this one off.
var errBegun = errors.New("another hub records outcomes in this store; this one cannot go on")

// look tells why the guard did not hold: errBegun, or another error when there is
// another try.
func (r *Recorder) look(ctx context.Context) error {
	m, err := r.bus.Last(ctx, bus.Trail, fenceSubject)
	if err != nil {
		return err
	}
	var at decision.Cursor
	if m == nil || json.Unmarshal(m.Data, &at) != nil || at.Batch != r.name {
		return errBegun
	}
	r.fence = m.Seq
	return errors.New("the fence was moved up")
}

// moveUp keeps the fence near the end of the trail at last. When it fails the
// next batch is behind where the fence was, or finds where it is.
func (r *Recorder) moveUp(ctx context.Context, last uint64) {
	if last < r.fence+fenceEvery {
		return
	}
	seq, err := r.bus.Append(ctx, []event.Message{r.mark()}, r.fence)
	if err != nil {
		r.log.Debug("move the fence of the outcomes up", zap.Error(err))
		return
	}
	r.fence = seq
	r.index.Reached(seq, seq)
}

// untilDone repeats fn until it succeeds, ctx ends, or another recorder has
// begun.
func (r *Recorder) untilDone(ctx context.Context, fn func() error) error {
	for attempt := 1; ; attempt++ {
		err := fn()
		if err == nil || ctx.Err() != nil || errors.Is(err, errBegun) {
			return err
		}
		r.log.Warn("the hub's own server did not take outcomes; trying again", zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
}
