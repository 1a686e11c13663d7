package mailbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

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
// error each of them may still get there, but none after a later Flush. None gets
// there twice.
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
	// nobody is told that it failed: the batch may be stored, and what comes next
	// must not say otherwise of its copies
	at := &attempt{msgs: msgs, seqs: make([]uint64, len(msgs))}
	if err := r.untilDone(ctx, func() error { return r.store(ctx, at) }); err != nil {
		return err
	}
	for i, d := range ds {
		r.index.Delivered(d, at.seqs[i])
		r.delivered(d)
	}
	r.moveUp(ctx, slices.Max(at.seqs))
	return nil
}

// attempt is what is known of outcomes on their way to the trail.
type attempt struct {
	msgs []event.Message
	seqs []uint64 // where each is stored; 0: it is not
	// unclear: how much was stored by the last try is not known. since is the fence of
	// that try: what it has stored lies behind.
	unclear bool
	since   uint64
}

// rest gives what is not stored yet, and its places in msgs.
func (a *attempt) rest() (msgs []event.Message, places []int) {
	for i, seq := range a.seqs {
		if seq == 0 {
			msgs, places = append(msgs, a.msgs[i]), append(places, i)
		}
	}
	return msgs, places
}

// store appends outcomes, each once: a receipt is made of every record.
func (r *Recorder) store(ctx context.Context, a *attempt) error {
	if err := r.find(ctx, a); err != nil {
		return err
	}
	msgs, places := a.rest()
	if len(msgs) == 0 {
		return nil
	}
	a.since = r.fence
	first, err := r.bus.AppendBehind(ctx, msgs, fenceSubject, r.fence)
	switch {
	case err == nil:
		for k, i := range places {
			a.seqs[i] = first + uint64(k)
		}
		return nil
	case errors.Is(err, bus.ErrFenced):
		return r.look(ctx)
	}
	a.unclear = !errors.Is(err, bus.ErrStreamFull) && !errors.Is(err, bus.ErrNotStaged)
	return err
}

// find settles a try of which it is not known what it has stored: it moves the
// fence up, so that nothing more of it can come, and looks.
func (r *Recorder) find(ctx context.Context, a *attempt) error {
	if !a.unclear {
		return nil
	}
	seq, err := r.bus.Append(ctx, []event.Message{r.mark()}, r.fence)
	if errors.Is(err, bus.ErrFenced) { // perhaps by a mark of which we have not heard
		return r.look(ctx)
	}
	if err != nil {
		return err
	}
	r.fence = seq
	r.index.Reached(seq, seq)
	at := map[string][]uint64{}
	err = r.bus.Often(ctx, bus.Trail, a.since+1, []string{"trail.delivery.>"}, func(m *event.Message) error {
		at[recordKey(m)] = append(at[recordKey(m)], m.Seq)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look what of a batch is stored: %w", err)
	}
	for i := range a.msgs {
		if key := recordKey(&a.msgs[i]); a.seqs[i] == 0 && len(at[key]) > 0 {
			a.seqs[i], at[key] = at[key][0], at[key][1:]
		}
	}
	a.unclear = false
	return nil
}

// recordKey is the same for the same record.
func recordKey(m *event.Message) string { return m.Subject + "\x00" + string(m.Data) }

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
