package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/fence"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
)

// worker carries out the replays to one application, one after the other. It writes as a
// lane does (ADR 0005): what is decided to TRAIL, then the copies to OUT, each behind its
// cursor.
type worker struct {
	*Engine
	application string
	trail, out  *fence.Writer
	// run and at are the replay in hand and how far it has come.
	run string
	at  place
	// size is that of the batch for which there was no room, waits how often in a row.
	size  int64
	waits int
}

// errFault is a fault of the hub while it looked at an event.
var errFault = errors.New("a fault of the hub")

// work carries out what is approved for an application until there is nothing.
func (e *Engine) work(ctx context.Context, application string) {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		began := time.Now()
		err := e.serve(ctx, application)
		if err == nil || ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			attempt = 1
		}
		e.Log.Warn("a replay is held up; trying again", zap.String("application", application), zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
}

func (e *Engine) serve(ctx context.Context, application string) error {
	name := decision.CursorReplay(application)
	w := &worker{Engine: e, application: application, trail: fence.New(e.Bus, bus.Trail, name), out: fence.New(e.Bus, bus.Out, name)}
	w.trail.Log, w.out.Log = e.Log, e.Log
	if err := w.takeOver(ctx); err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	for {
		r := e.next(application)
		if r == nil {
			return nil
		}
		if err := w.carry(ctx, r); err != nil {
			return err
		}
	}
}

// carry brings one replay on: to its end.
func (w *worker) carry(ctx context.Context, r *Run) error {
	if w.run != r.ID {
		at, err := w.start(ctx, &r.Scope, r.UpTo)
		if err != nil {
			return err
		}
		w.run, w.at = r.ID, at
	}
	for w.at.seq <= r.UpTo && !w.cancelled(r.ID) {
		cs, next, err := w.page(ctx, &r.Scope, w.at, r.UpTo, pageSize, func() bool { return ctx.Err() != nil || w.cancelled(r.ID) })
		if errors.Is(err, errStop) && ctx.Err() == nil {
			break
		}
		if err != nil {
			return err
		}
		for len(cs) > 0 && !w.cancelled(r.ID) {
			n, err := w.batch(ctx, r, cs)
			if err != nil {
				return err
			}
			cs = cs[n:]
		}
		if len(cs) == 0 {
			w.at = next
		}
	}
	return w.end(ctx, r)
}

func (e *Engine) cancelled(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.runs[id]
	return r == nil || r.Cancelled != nil
}

const (
	// maxBytes is about how much the copies of one batch have together.
	maxBytes = 2 << 20
	// looksASecond bounds how many events that do not go are looked at.
	looksASecond = 1000
	// fullWait is how long it waits at first before it looks again whether a mailbox has
	// room, fullMost at most.
	fullWait = 250 * time.Millisecond
	fullMost = 4 * time.Second
)

// batch decides about the first of some candidates, records that, and stores their
// copies; it gives how many these were: none when it waited, and has to decide anew.
func (w *worker) batch(ctx context.Context, r *Run, cs []candidate) (int, error) {
	if w.size > 0 && !w.room(ctx, r.ID, w.size) { // nothing is judged in vain
		return 0, ctx.Err()
	}
	w.size = 0
	if err := w.reach(ctx, "judging"); err != nil {
		return 0, err
	}
	began, v := time.Now(), w.Current()
	var js []*judged
	n, size, going := 0, int64(0), 0
	most := w.most()
	for ; n == 0 || n < len(cs) && n < perBatch(r.Rate) && size < most; n++ {
		j, err := w.judge(ctx, v, r, &cs[n])
		if err != nil {
			return 0, err
		}
		if j == nil {
			continue
		}
		if js = append(js, j); j.copy != nil {
			going++
			size += quota.Size(j.copy)
		}
	}
	if going > 0 && !w.room(ctx, r.ID, size) {
		return 0, ctx.Err()
	}
	if err := w.store(ctx, r, js, cs[n-1].after); err != nil {
		return 0, err
	}
	pace := max(time.Duration(going)*time.Second/time.Duration(r.Rate), time.Duration(n)*time.Second/looksASecond)
	for rest := pace - time.Since(began); rest > 0 && ctx.Err() == nil && !w.cancelled(r.ID); rest = pace - time.Since(began) {
		w.wait(ctx, rest, w.Changed())
	}
	return n, ctx.Err()
}

// most is about how many bytes of copies go at a time: a small part of the mailbox.
func (w *worker) most() int64 {
	if w.Boxes == nil {
		return maxBytes
	}
	return min(maxBytes, w.Boxes.Limit(w.application)/8)
}

// perBatch is how many events are decided at a time: about a quarter of a second's.
func perBatch(rate int) int { return min(max(rate/4, 1), perPortion) }

// perPortion is how many go at a time at most.
const perPortion = 100

// room tells whether the mailbox has room now; otherwise it has waited for a while: what
// was decided holds no more.
func (w *worker) room(ctx context.Context, id string, size int64) bool {
	has := w.Boxes == nil || w.Boxes.Room(w.application, size)
	w.mu.Lock()
	if r := w.runs[id]; r != nil {
		r.Waits = !has
	}
	w.mu.Unlock()
	if has {
		w.waits = 0
		return true
	}
	if w.size = size; w.reach(ctx, "full") != nil {
		return false
	}
	w.wait(ctx, min(fullWait<<min(w.waits, 4), fullMost), w.Changed())
	w.waits++
	return false
}

// store records what was decided, and then stores the copies.
func (w *worker) store(ctx context.Context, r *Run, js []*judged, after place) error {
	var msgs, copies []event.Message
	var recs []*decision.Replayed
	for _, j := range js {
		m, err := trail.Replayed(j.record)
		if err != nil {
			return err
		}
		msgs, recs = append(msgs, m), append(recs, j.record)
		if j.fault != nil {
			w.Log.Error("a replay passes over an event", zap.String("run", r.ID), zap.String("in", j.record.In), zap.Uint64("seq", j.record.Seq), zap.Error(j.fault))
		}
		if j.copy != nil {
			copies = append(copies, *j.copy)
		}
	}
	w.at = after
	if len(msgs) == 0 {
		return nil
	}
	if err := w.record(ctx, r.ID, msgs); err != nil {
		return err
	}
	w.count(recs...)
	if err := w.reach(ctx, "decided"); err != nil {
		return err
	}
	last := w.trail.At.Trail
	if len(copies) == 0 && last < w.out.At.Trail+maxLag {
		return nil
	}
	if err := w.send(ctx, copies, last); err != nil {
		return err
	}
	return w.reach(ctx, "stored")
}

// maxLag is how far the cursor in OUT may stay behind for want of copies; it bounds what
// a take-over reads.
const maxLag = 1000

// record writes to TRAIL, and notes in the cursor how far the replay has come.
func (w *worker) record(ctx context.Context, run string, msgs []event.Message) error {
	if err := w.reach(ctx, "deciding"); err != nil {
		return err
	}
	c := decision.Cursor{Run: run, Seq: w.at.seq, Part: w.at.part, Epoch: w.trail.At.Epoch}
	first, err := w.trail.Write(ctx, msgs, c)
	if err != nil {
		return err
	}
	last := first + uint64(len(msgs)) - 1
	w.trail.At.Trail = last // for those who carry it out
	w.Index.Reached(first-1, last)
	return nil
}

// send stores copies, and notes up to which record of the trail all are stored.
func (w *worker) send(ctx context.Context, copies []event.Message, upTo uint64) error {
	first, err := w.out.Write(ctx, copies, decision.Cursor{Trail: upTo, Epoch: w.trail.At.Epoch})
	if err != nil {
		return err
	}
	for i := range copies {
		if w.Boxes != nil {
			w.Boxes.Stored(w.application, first+uint64(i), &copies[i])
		}
	}
	return nil
}

// end records that nothing more comes of a replay. All that was decided is carried out.
func (w *worker) end(ctx context.Context, r *Run) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now, ok := w.Find(r.ID)
	if !ok {
		return ErrUnknown
	}
	a := &decision.Act{
		Act: decision.ActReplayEnd, Application: w.application, Key: r.ID, Who: Hub, At: w.Now().UTC(),
		Replay: &decision.Replay{Scope: r.Scope, Counts: now.Counts},
	}
	m, err := trail.Act(a)
	if err != nil {
		return err
	}
	w.at = place{seq: r.UpTo + 1}
	if err := w.record(ctx, r.ID, []event.Message{m}); err != nil {
		return err
	}
	w.take(a, w.trail.At.Trail)
	w.Log.Info("a replay has ended", zap.String("run", r.ID), zap.String("application", w.application), zap.Bool("cancelled", now.Cancelled != nil),
		zap.Uint64("copies", now.Counts[decision.ReplayGoes]), zap.Uint64("held", now.Counts.Held()))
	return w.reach(ctx, "ended")
}

// Hub is who ends a replay.
const Hub = "amtsbote"
