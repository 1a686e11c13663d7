package replay

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/fence"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// takeOver fences whoever was at work before, and carries out what that had decided and
// not carried out. It is not decided anew.
func (w *worker) takeOver(ctx context.Context) error {
	for _, one := range []*fence.Writer{w.trail, w.out} { // first who decides, then who carries out
		if err := relieve(ctx, one); err != nil {
			return err
		}
	}
	w.run, w.at = w.trail.At.Run, place{w.trail.At.Seq, w.trail.At.Part}
	todo, last, err := w.pending(ctx)
	if err != nil || last <= w.out.At.Trail {
		return err
	}
	return w.carryOut(ctx, todo, last)
}

// owed is what was decided, at a sequence of TRAIL, and is to be carried out yet.
type owed struct {
	rec *decision.Replayed
	at  uint64
}

// carryOut stores what is owed, in portions as small as those of a replay itself; last
// is the sequence of the last record in TRAIL. It is as good as one portion: the cursor
// says after each how far it has come.
func (w *worker) carryOut(ctx context.Context, todo []owed, last uint64) error {
	for {
		copies, amended, n, err := w.again(ctx, todo)
		if err != nil {
			return err
		}
		if len(amended) > 0 {
			if err := w.amend(ctx, amended); err != nil {
				return err
			}
			last = w.trail.At.Trail
		}
		if err := w.reach(ctx, "amended"); err != nil {
			return err
		}
		upTo := last
		if n < len(todo) {
			upTo = todo[n-1].at
		}
		if err := w.send(ctx, copies, upTo); err != nil {
			return err
		}
		if todo = todo[n:]; len(todo) == 0 {
			return nil
		}
		if err := w.reach(ctx, "portion"); err != nil {
			return err
		}
	}
}

// relieve writes a cursor anew: what its writer before has on its way is refused.
func relieve(ctx context.Context, one *fence.Writer) error {
	for {
		if err := one.Load(ctx); err != nil {
			return err
		}
		c := one.At
		c.Epoch++
		if _, err := one.Write(ctx, nil, c); !errors.Is(err, bus.ErrFenced) {
			return err
		}
	}
}

// copyOf names a copy of a replay.
type copyOf struct {
	run string
	of  decision.Ref
}

// pending reads what is decided and not carried out, in order: one batch at most, and
// what does not go. When the cursor in OUT is lost, or an older one, it comes upon what
// was carried out long ago: nothing of a replay that has ended, and no copy that lies in
// OUT or has an outcome, is pending. last is the sequence of the last record.
func (w *worker) pending(ctx context.Context) (todo []owed, last uint64, err error) {
	at := map[copyOf]int{}
	forget := func(c copyOf) {
		if i, ok := at[c]; ok {
			todo[i].rec = nil
		}
	}
	filters := []string{records(w.application), "trail." + decision.KindDelivery + "." + decision.MailboxName(w.application) + ".>"}
	err = w.Bus.Often(ctx, bus.Trail, w.out.At.Trail+1, filters, func(m *event.Message) error {
		if decision.Kind(m.Subject) == decision.KindDelivery {
			if d, err := trail.ReadDelivery(m); err == nil && d.Replay != "" {
				forget(copyOf{d.Replay, decision.Ref{In: d.In, Seq: d.Seq}})
			}
			return nil
		}
		last = m.Seq
		rec, err := trail.ReadReplayed(m)
		if err != nil {
			w.Log.Error("a record of a replay cannot be read", zap.Uint64("trail", m.Seq))
			return nil
		}
		one := copyOf{rec.Run, rec.Place()}
		switch {
		case rec.Amends:
			forget(one)
		case rec.Verdict == decision.ReplayGoes && rec.Receiver != nil && w.inHand(rec.Run):
			at[one] = len(todo)
			todo = append(todo, owed{rec, m.Seq})
		}
		return nil
	})
	if err == nil && len(todo) > 0 {
		err = w.stands(ctx, forget)
	}
	return slices.DeleteFunc(todo, func(o owed) bool { return o.rec == nil }), last, err
}

// inHand tells whether there is still something to do for a replay.
func (e *Engine) inHand(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.runs[id]
	return r != nil && r.works()
}

// stands names the copies of replays that lie in OUT.
func (w *worker) stands(ctx context.Context, found func(copyOf)) error {
	return w.Bus.Headers(ctx, bus.Out, 1, []string{"out." + w.application + ".>"}, func(m *event.Message) error {
		if run := m.Get(event.HeaderReplay); run != "" {
			if seq, err := strconv.ParseUint(m.Get(event.HeaderSeq), 10, 64); err == nil {
				found(copyOf{run, decision.Ref{In: m.Get(event.HeaderIn), Seq: seq}})
			}
		}
		return nil
	})
}

// amend records what cannot be carried out any more.
func (w *worker) amend(ctx context.Context, recs []*decision.Replayed) error {
	msgs := make([]event.Message, len(recs))
	for i, rec := range recs {
		var err error
		if msgs[i], err = trail.Replayed(rec); err != nil {
			return err
		}
	}
	if err := w.record(ctx, w.run, msgs); err != nil {
		return err
	}
	w.count(recs...)
	return nil
}

// again makes copies from the first records, and new records of those that cannot be
// made any more; n is how many records these are.
func (w *worker) again(ctx context.Context, todo []owed) (copies []event.Message, amended []*decision.Replayed, n int, err error) {
	most := w.most()
	for size := int64(0); n < min(len(todo), perPortion) && (n == 0 || size < most); n++ {
		rec := todo[n].rec
		m, err := w.stored(ctx, rec.Place())
		if err != nil {
			return nil, nil, 0, err
		}
		made, why := w.remake(rec, m)
		if why == "" {
			copies = append(copies, made)
			size += quota.Size(&made)
			continue
		}
		another := *rec
		another.Verdict, another.Receiver, another.Amends, another.At = why, nil, true, w.Now().UTC()
		amended = append(amended, &another)
	}
	return copies, amended, n, nil
}

// remake makes the copy of a record; why tells that it cannot be made.
func (w *worker) remake(rec *decision.Replayed, m *event.Message) (made event.Message, why decision.ReplayVerdict) {
	defer func() {
		if p := recover(); p != nil {
			why = decision.ReplayInvalid
		}
	}()
	if m == nil {
		return made, decision.ReplayRemoved
	}
	e, refused := accept.Decode(m)
	if refused != nil {
		return made, decision.ReplayInvalid
	}
	made, err := w.Current().Sender.Replay(rec, e)
	if err != nil {
		w.Log.Error("a copy of a replay cannot be made any more", zap.String("run", rec.Run), zap.String("in", rec.In), zap.Uint64("seq", rec.Seq), zap.Error(err))
		return made, decision.ReplayInvalid
	}
	return made, ""
}
