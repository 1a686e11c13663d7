package replay

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

const (
	// actFor bounds how long an act is tried; then it is not known whether it is stored.
	actFor = 2 * bus.Timeout
	// doubtFor is how long the trail is asked again about such an act, each doubtEvery: a
	// message that is on its way is stored by then, or never.
	doubtFor   = 2 * time.Minute
	doubtEvery = 2 * time.Second
)

// reread takes in what the trail has of a run's steps and memory has not, in the order
// in which they are stored.
func (e *Engine) reread(ctx context.Context, r *Run) error {
	var found []*event.Message
	for _, act := range acts {
		a := decision.Act{Act: act, Application: r.Scope.Application, Key: r.ID}
		m, err := e.Bus.Last(ctx, bus.Trail, a.Subject())
		if err != nil {
			return err
		}
		if m != nil {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b *event.Message) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, m := range found {
		e.takeStored(m)
	}
	return nil
}

// takeStored takes in an act as the trail has it.
func (e *Engine) takeStored(m *event.Message) {
	a, err := trail.ReadAct(m)
	if err != nil { // it would be no better the next time
		e.Log.Error("an act of a replay cannot be read", zap.Uint64("trail", m.Seq))
		return
	}
	e.Index.Reached(m.Seq, m.Seq)
	e.take(a, m.Seq)
}

// doubt has the trail asked again about a run: an act of it may be stored yet.
func (e *Engine) doubt(a *decision.Act) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.doubts == nil {
		e.doubts = map[string]doubtful{}
	}
	e.doubts[a.Key] = doubtful{a.Application, time.Now().Add(doubtFor)}
	e.tell()
}

// doubtful is a run of an application whose steps are not known for certain.
type doubtful struct {
	application string
	until       time.Time
}

// resolve asks the trail about what is in doubt, until ctx ends.
func (e *Engine) resolve(ctx context.Context) {
	for ctx.Err() == nil {
		changed := e.Changed()
		doubts := e.inDoubt()
		if len(doubts) == 0 {
			select {
			case <-ctx.Done():
			case <-changed:
			}
			continue
		}
		for id, d := range doubts {
			err := e.reread(ctx, &Run{ID: id, Replay: decision.Replay{Scope: decision.ReplayScope{Application: d.application}}})
			if err == nil && time.Now().After(d.until) {
				e.mu.Lock()
				delete(e.doubts, id)
				e.mu.Unlock()
			}
		}
		settle.Wait(ctx, doubtEvery)
	}
}

func (e *Engine) inDoubt() map[string]doubtful {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.doubts)
}
