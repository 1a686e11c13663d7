// Package keep removes what has had its time (DESIGN §2, "Keeping and
// removing"; ADR 0010): events that are carried out and were kept as long as
// their type says, copies that their receiver has acknowledged, copies that
// nobody took within their agreement's retain, and old cursors. Nothing goes
// that is not recorded in the trail before.
//
// A run is repeatable at any point: what a crash leaves undone the next run does
// again.
package keep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/fence"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

// Every is how often a run begins when nothing else is said.
const Every = time.Minute

// Keeper removes. One is at work on a set of streams at any time.
type Keeper struct {
	Bus   *bus.Bus
	Index *index.Index
	// Ledger saves reading what is removed only to count it; nil: it is read.
	Ledger *ledger.Ledger
	// Hands and Recorder are those of the mailboxes.
	Hands    *mailbox.Hands
	Recorder *mailbox.Recorder
	// Federation gives the version that is in force.
	Federation func() *federation.Federation
	// Emptied is told of a parked key whose last copy expired: nothing of it waits
	// any more.
	Emptied func(context.Context, decision.ParkedKey)
	// Delivered is told of every copy that expired, once it is in the trail.
	Delivered func(*decision.Delivery)
	// Handed is sent to when a copy was handed over of which its sender is to be
	// told; nil: receipts wait for the next run.
	Handed <-chan struct{}
	Now    func() time.Time
	Log    *zap.Logger

	mu          sync.Mutex // one run at a time
	out, parked *waiting
	expiry      *fence.Writer // expired copies in the trail
	told        *fence.Writer // and their receipts in OUT
	heard       uint64        // up to where the trail was read for receipts
	retain      struct {
		sync.Mutex
		shortest time.Duration
	}
	crash func(point string)
}

// Run removes at once, so that what a crash has interrupted is completed, and
// then every so often until ctx ends; 0 is Every, and with a negative every only
// receipts are made.
func (k *Keeper) Run(ctx context.Context, every time.Duration) error {
	if every == 0 {
		every = Every
	}
	var due <-chan time.Time
	act := k.Tell
	if every > 0 {
		tick := time.NewTicker(every)
		defer tick.Stop()
		due, act = tick.C, k.Once
	}
	for {
		if err := act(ctx); err != nil && ctx.Err() == nil {
			k.Log.Warn("not all could be removed that has had its time, or told to its sender; the next run tries again", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-due:
			act = k.Once
		case <-k.Handed:
			act = k.Tell
		}
	}
}

// Once is one run. What fails once it has begun does not keep the rest from its turn.
func (k *Keeper) Once(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.InForce(k.Federation())
	if err := k.open(ctx); err != nil {
		return err // the others write where it has found them
	}
	var errs []error
	for _, step := range []func(context.Context) error{k.expire, k.tell, k.released, k.delivered, k.cursors} {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		errs = append(errs, step(ctx))
	}
	return errors.Join(errs...)
}

// open reads where the runs before have come to.
func (k *Keeper) open(ctx context.Context) error {
	if k.told != nil {
		return nil
	}
	k.out = newWaiting(bus.Out, "out.*.*.>", "out.%s.>")
	k.parked = newWaiting(bus.Parked, "parked.*.*.out.*", "parked.%s.out.*")
	for _, w := range []*waiting{k.out, k.parked} {
		var err error
		if w.old, err = k.Bus.LastSeq(ctx, w.stream); err != nil {
			return err
		}
	}
	if err := k.Recorder.Flush(ctx); err != nil { // it writes the cursor in TRAIL anew
		return err
	}
	expiry, told := fence.New(k.Bus, bus.Trail, decision.CursorExpiry), fence.New(k.Bus, bus.Out, decision.CursorExpiry)
	if err := errors.Join(expiry.Load(ctx), told.Load(ctx)); err != nil {
		return err
	}
	k.expiry, k.told, k.heard = expiry, told, told.At.Trail
	return nil
}

// remove records ranges and then purges them.
func (k *Keeper) remove(ctx context.Context, stream string, why decision.Why, ranges []decision.Range, purges []purge) error {
	if len(ranges) == 0 {
		return nil
	}
	m, err := trail.Removal(&decision.Removal{Stream: stream, Why: why, Ranges: ranges, At: k.Now().UTC()})
	if err != nil {
		return err
	}
	if _, err := k.Bus.AppendUnguarded(ctx, []event.Message{m}); err != nil {
		return fmt.Errorf("record what is removed from %s: %w", stream, err)
	}
	if err := k.reach(ctx, "recorded "+stream); err != nil {
		return err
	}
	var n uint64
	for _, r := range ranges {
		n += r.Messages
	}
	for _, p := range purges {
		if err := k.Bus.Purge(ctx, stream, p.filter, p.upTo); err != nil {
			return err
		}
		if err := k.reach(ctx, "purged "+stream); err != nil {
			return err
		}
	}
	k.Log.Info("removed", zap.String("stream", stream), zap.String("why", string(why)), zap.Uint64("messages", n))
	return nil
}

// purge is one step of a removal. The server holds the stream until it is done, some milliseconds
// for each block of 8 MB, and 30 ms for the block in which it ends: so large ones are better than
// many.
type purge struct {
	filter string
	upTo   uint64
}

// errEnough ends a reading.
var errEnough = errors.New("read far enough")

// between counts what lies at subjects of a stream up to a sequence.
func (k *Keeper) between(ctx context.Context, stream, name string, filters []string, upTo uint64) (decision.Range, error) {
	r := decision.Range{Subject: name}
	for len(filters) > 0 {
		some := filters[:min(len(filters), maxFilters)]
		filters = filters[len(some):]
		err := k.Bus.Headers(ctx, stream, 1, some, func(m *event.Message) error {
			if m.Seq > upTo {
				return errEnough
			}
			if r.Messages++; r.From == 0 || m.Seq < r.From {
				r.From = m.Seq
			}
			r.UpTo = max(r.UpTo, m.Seq)
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return r, err
		}
	}
	return r, nil
}

// maxFilters is how many subjects one reading asks for.
const maxFilters = 200

// reach lets a test end a run at this point, as a crash would.
func (k *Keeper) reach(ctx context.Context, point string) error {
	if k.crash != nil {
		k.crash(point)
	}
	return ctx.Err()
}
