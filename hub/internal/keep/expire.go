package keep

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

// expire takes out what nobody took within its agreement's retain: from OUT and,
// where the receiver's key is parked, from PARKED.
func (k *Keeper) expire(ctx context.Context) error {
	boxes, err := k.Bus.Boxes(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range []*waiting{k.out, k.parked} {
		errs = append(errs, k.look(ctx, w))
		for application, soonest := range w.soonest {
			if k.Now().Before(soonest) {
				continue
			}
			if err := k.expireAt(ctx, w, application, boxes); err != nil {
				w.note(application, soonest)
				errs = append(errs, fmt.Errorf("take expired copies from mailbox %s: %w", application, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (k *Keeper) expireAt(ctx context.Context, w *waiting, application string, boxes map[string]bus.Box) error {
	floor := uint64(0)
	if w == k.out {
		floor = boxes[decision.MailboxName(application)].Floor
	}
	found, err := k.due(ctx, w, application, floor)
	if err != nil {
		return err
	}
	if w == k.out && !k.handsOut(application) {
		return k.takeOutUnseen(ctx, w, application, found)
	}
	if err := k.takeOutAll(ctx, w, application, found); err != nil {
		return err
	}
	return k.emptied(ctx, found)
}

// atOnce is how many copies are recorded as expired in one batch.
const atOnce = 500

// handsOut tells whether the hub itself hands out an application's copies, and so
// knows the end of each.
func (k *Keeper) handsOut(application string) bool {
	app, ok := k.Federation().Application(application)
	return ok && app.Mailbox.HandedOut()
}

// takeOutUnseen takes out what a receiver that takes its copies itself has surely
// not acknowledged: the first copy behind the floor, and those that were never
// handed out. Of those in between the server does not tell; their turn comes when
// the floor has moved. It moves a moment after the first copy is deleted: until
// then the next one that is there may well be acknowledged.
func (k *Keeper) takeOutUnseen(ctx context.Context, w *waiting, application string, found []lying) error {
	for len(found) > 0 {
		at, err := k.Bus.Mailbox(ctx, application)
		if err != nil {
			return err
		}
		first, err := k.Bus.At(ctx, bus.Out, at.Floor+1, fmt.Sprintf(w.ofBox, application))
		if err != nil {
			return err
		}
		if first != nil && k.Index.AnyDone(application, at.Floor, first.Seq) {
			first = nil
		}
		var unseen, seen []lying
		for _, one := range found {
			switch {
			case one.seq > at.Delivered || first != nil && one.seq == first.Seq:
				unseen = append(unseen, one)
			case one.seq > at.Floor:
				seen = append(seen, one)
			}
		}
		if found = seen; len(unseen) == 0 {
			break
		}
		if err := k.takeOutAll(ctx, w, application, unseen); err != nil {
			return err
		}
	}
	if len(found) > 0 {
		w.note(application, k.Now())
	}
	return nil
}

func (k *Keeper) takeOutAll(ctx context.Context, w *waiting, application string, found []lying) error {
	for some := range slices.Chunk(found, atOnce) {
		if err := k.takeOut(ctx, w, application, some); err != nil {
			return err
		}
	}
	return nil
}

// takeOut ends copies: recorded, then gone. Those that somebody works on wait for
// the next run.
func (k *Keeper) takeOut(ctx context.Context, w *waiting, application string, found []lying) error {
	var taken []lying
	var frees []func()
	recorded := false
	defer func() {
		if ctx.Err() != nil && !recorded {
			return // the record may be there: nobody may hand them out before a restart has read it
		}
		for _, free := range frees {
			free()
		}
	}()
	for _, one := range found {
		free, ok := k.Hands.TryTake(application, one.out)
		if !ok {
			w.note(application, k.Now())
			continue
		}
		taken, frees = append(taken, one), append(frees, free)
	}
	if err := k.Recorder.Flush(ctx); err != nil {
		return err
	}
	if err := k.record(ctx, w, application, taken); err != nil {
		return err
	}
	recorded = true
	for _, one := range taken {
		if err := k.reach(ctx, "expired "+w.stream); err != nil {
			return err
		}
		if err := k.Bus.Delete(ctx, w.stream, one.seq); err != nil {
			return err
		}
	}
	return nil
}

// record writes that copies have expired. Those that are settled are not: they
// wait to be removed, by this run or another.
func (k *Keeper) record(ctx context.Context, w *waiting, application string, taken []lying) error {
	var ds []*decision.Delivery
	var msgs []event.Message
	for _, one := range taken {
		if k.Index.IsDone(application, one.out) {
			continue
		}
		m, err := k.Bus.At(ctx, w.stream, one.seq, one.subject)
		if err != nil {
			return err
		}
		if m == nil || m.Seq != one.seq {
			continue // gone meanwhile
		}
		d := k.expired(m, application, one.out)
		r, err := trail.Delivery(d)
		if err != nil {
			return err
		}
		ds, msgs = append(ds, d), append(msgs, r)
	}
	if len(ds) == 0 {
		return nil
	}
	first, err := k.expiry.Write(ctx, msgs, decision.Cursor{})
	if err != nil {
		return fmt.Errorf("record %d expired copies: %w", len(ds), err)
	}
	for i, d := range ds {
		k.Index.Delivered(d, first+uint64(i))
		k.Delivered(d)
	}
	k.Log.Warn("copies that nobody took in time are taken out; their senders are told",
		zap.String("mailbox", application), zap.Int("copies", len(ds)), zap.Uint64("first", ds[0].Out))
	return nil
}

// expired is the record of a copy's end.
func (k *Keeper) expired(m *event.Message, application string, out uint64) *decision.Delivery {
	in, seq := m.Of()
	d := &decision.Delivery{
		Mailbox: application, Out: out, In: in, Seq: seq, Result: decision.Expired, At: k.Now().UTC(),
		Expiry: &decision.Expiry{Told: mailbox.Told(m)}, Replay: m.Get(event.HeaderReplay),
	}
	d.Expiry.Due, _ = retained(m)
	if e, refused := accept.Decode(m); refused == nil {
		d.ID = e.ID()
	}
	return d
}

// emptied tells of keys of which nothing is left.
func (k *Keeper) emptied(ctx context.Context, gone []lying) error {
	seen := map[decision.ParkedKey]bool{}
	for _, one := range gone {
		key, ok := one.keyOf()
		if !ok || seen[key] {
			continue
		}
		seen[key] = true
		m, err := k.Bus.At(ctx, bus.Parked, 1, key.Subject())
		if err != nil {
			return err
		}
		if m == nil && k.Emptied != nil {
			k.Emptied(ctx, key)
		}
	}
	return nil
}
