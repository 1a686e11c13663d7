package keep

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
)

// delivered removes copies from OUT that their mailbox has let go of. Copies of a
// mailbox whose application has left the directory are never acknowledged, and
// so never removed here.
func (k *Keeper) delivered(ctx context.Context) error {
	boxes, err := k.Bus.Boxes(ctx)
	if err != nil {
		return err
	}
	// a return that is underway may store a receipt again, and relies on the first
	// one still lying there; those below the floors were begun before they were read
	returning, err := k.Bus.Subjects(ctx, bus.Parked, "parked."+decision.ActReturn+".*.*."+string(decision.In)+".*")
	if err != nil || len(returning) > 0 {
		return err
	}
	if given, err := quarantine.Returning(ctx, k.Bus); err != nil || given {
		return err
	}
	settled := k.Bus.Settled(bus.Out) // after the floors were read
	var ranges []decision.Range
	var purges []purge
	for _, name := range slices.Sorted(maps.Keys(boxes)) {
		box := boxes[name]
		if box.Floor = min(box.Floor, settled); box.Floor == 0 {
			continue
		}
		k.Index.Floor(applicationOf(box.Filter), box.Floor)
		first, err := k.Bus.At(ctx, bus.Out, 1, box.Filter)
		if err != nil {
			return err
		}
		if first == nil || first.Seq > box.Floor {
			continue
		}
		r, err := k.between(ctx, bus.Out, box.Filter, []string{box.Filter}, box.Floor)
		if err != nil {
			return err
		}
		ranges = append(ranges, r)
		purges = append(purges, purge{box.Filter, box.Floor})
	}
	return k.remove(ctx, bus.Out, decision.WhyDelivered, ranges, purges)
}

// cursors leaves the last cursor of each in stream. They hold nothing but
// numbers, and records that the trail has, so no record is made of them. (TRAIL denies
// purges.) They go once they are half of what lies there: the server reads every block
// that holds one, and while copies wait among them it is not worth that.
func (k *Keeper) cursors(ctx context.Context) error {
	var errs []error
	for _, stream := range []string{bus.Out, bus.Quarantine, bus.Parked} {
		subjects, err := k.Bus.Subjects(ctx, stream, decision.CursorSubject(strings.ToLower(stream), "*"))
		errs = append(errs, err)
		is, err := k.Bus.State(ctx, stream)
		if err != nil || !worthwhile(subjects, is) {
			errs = append(errs, err)
			continue
		}
		for subject, n := range subjects {
			if n > 1 {
				errs = append(errs, k.oldCursors(ctx, stream, subject, n))
			}
		}
	}
	return errors.Join(errs...)
}

// A few events leave a cursor in OUT each time (ADR 0025), and the server takes out messages of one
// subject one by one while it holds the stream: as far as seen a thousand take some hundredths of a
// second. So no more go at a time, and what waits for the stream then has its turn.
const (
	cursorStep = 1000
	cursorRest = 25 * time.Millisecond
)

// oldCursors removes all but the last of the n cursors at a subject.
func (k *Keeper) oldCursors(ctx context.Context, stream, subject string, n uint64) error {
	first, err := k.Bus.At(ctx, stream, 1, subject)
	if err != nil || first == nil {
		return err
	}
	last, err := k.Bus.Last(ctx, stream, subject)
	if err != nil || last == nil {
		return err
	}
	step := max(1, (last.Seq-first.Seq)*cursorStep/n)
	for at := first.Seq + step; at < last.Seq && ctx.Err() == nil; at += step {
		if err := k.Bus.Purge(ctx, stream, subject, at); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(cursorRest):
		}
	}
	return k.Bus.PurgeOld(ctx, stream, subject)
}

// worthwhile tells whether old cursors are to go: they are half of what their stream
// holds, or that is half full (they can be large, when many mailboxes are).
func worthwhile(cursors map[string]uint64, is bus.State) bool {
	old := uint64(0)
	for _, n := range cursors {
		old += max(n, 1) - 1
	}
	return 2*old >= is.Messages || is.Limit > 0 && is.Bytes > is.Limit/2
}
