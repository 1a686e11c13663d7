package replay

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/fence"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
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
	copies, amended, err := w.again(ctx, todo)
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
	return w.send(ctx, copies, last)
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

// pending reads what is decided and not carried out, in order: one batch at most, and
// what does not go. last is the sequence of the last record.
func (w *worker) pending(ctx context.Context) (todo []*decision.Replayed, last uint64, err error) {
	at := map[decision.Ref]int{} // there is one run in hand at a time
	err = w.Bus.Often(ctx, bus.Trail, w.out.At.Trail+1, []string{records(w.application)}, func(m *event.Message) error {
		last = m.Seq
		rec, err := trail.ReadReplayed(m)
		switch {
		case err != nil:
			w.Log.Error("a record of a replay cannot be read", zap.Uint64("trail", m.Seq))
		case rec.Verdict == decision.ReplayGoes && rec.Receiver != nil:
			at[rec.Place()] = len(todo)
			todo = append(todo, rec)
		case rec.Amends:
			if i, ok := at[rec.Place()]; ok {
				todo[i] = nil
			}
		}
		return nil
	})
	return todo, last, err
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

// again makes copies from their records, and new records of those that cannot be made
// any more.
func (w *worker) again(ctx context.Context, todo []*decision.Replayed) (copies []event.Message, amended []*decision.Replayed, err error) {
	for _, rec := range todo {
		if rec == nil {
			continue
		}
		m, err := w.stored(ctx, rec.Place())
		if err != nil {
			return nil, nil, err
		}
		made, why := w.remake(rec, m)
		if why == "" {
			copies = append(copies, made)
			continue
		}
		another := *rec
		another.Verdict, another.Receiver, another.Amends, another.At = why, nil, true, w.Now().UTC()
		amended = append(amended, &another)
	}
	return copies, amended, nil
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
