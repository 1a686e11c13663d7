package open311

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
	"github.com/amtsbote/amtsbote/hub"
)

// source reads a server again and again: in mode portal all reports, in mode forward
// those that the sink has filed.
type source struct {
	set    *settings
	client *georeport.Client
	photos *http.Client
	aside  aside
	log    *zap.Logger
	now    func() time.Time
	most   int // questions of a window
	hub.Looks
}

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	client, err := set.client(s)
	if err != nil {
		return nil, err
	}
	src := &source{
		set: set, client: client, aside: aside{filepath.Join(set.Dir, "error"), maxAside},
		log: cmp.Or(env.Log, zap.NewNop()), now: time.Now, most: maxQuestions,
	}
	if set.Media != nil {
		src.photos = photoClient(set)
	}
	return src, nil
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places { return hub.Places{In: s.set.URL, SetAside: s.aside.dir} }

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	r := &run{source: s, in: in, memory: memory{in.State()}}
	round := r.portal
	if s.set.Mode == modeForward {
		round = r.forwarded
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		wait := s.set.Poll
		if err := round(ctx); err != nil && ctx.Err() == nil {
			// What a round did not reach, the next one does.
			f := hub.FaultOf(err)
			s.log.Warn("open311: a round was not finished", zap.String("code", f.Code), zap.Error(err))
			wait = max(wait, f.After)
		} else {
			s.Look()
		}
		timer.Reset(wait)
	}
}

// run is one Run.
type run struct {
	*source
	in     hub.Intake
	memory memory
	swept  time.Time
	based  bool          // the very first sweep is done
	retry  time.Duration // between two sweeps while they fail
	next   time.Time     // no sweep before, after one that failed

	round   int            // looks at the portal
	without map[string]int // reports whose status changed without an update, and the round when that was seen

	questions int   // of the window that is read
	late      error // of an entry that was passed over: the window is read again
}

// portal is one look at the portal.
func (r *run) portal(ctx context.Context) error {
	now := r.now()
	r.round++
	done, damaged, err := r.moment(ctx, keyBaseline)
	if err != nil {
		return err
	}
	r.based = damaged || !done.IsZero()       // it is written once that is so
	if r.based && r.set.Details.ReadUpdates { // before the requests, which have the outcome alone
		err = r.updates(ctx, now)
	}
	if ctx.Err() == nil && r.due(now) {
		err = errors.Join(err, r.sweepAll(ctx, now))
	}
	if !r.based || ctx.Err() != nil {
		return err // without the first sweep, what is old would be told as new
	}
	return errors.Join(err, r.recent(ctx, now))
}

// sweep looks at all reports of the time that is looked back on. It finds what changed
// without a new time, what became visible late, and what clocks that disagree have
// hidden. The very first one only remembers what is older than the setting since.
func (r *run) sweep(ctx context.Context, now time.Time) error {
	begin, _, err := r.moment(ctx, keyBegin)
	if err == nil && begin.IsZero() {
		begin = now.Add(-r.set.Since)
		err = r.memory.keep(ctx, keyBegin, begin)
	}
	if err != nil {
		return err
	}
	if r.based {
		begin = time.Time{}
	}
	w := window{from: now.Add(-r.set.Lookback), to: now.Add(day), names: byRequested}
	if _, err := r.read(ctx, w, func(ctx context.Context, e georeport.Entry) error { return r.take(ctx, e, origin{begin: begin}) }); err != nil {
		return err
	}
	if r.based {
		return nil
	}
	err = r.memory.keep(ctx, keyBaseline, now)
	r.based = err == nil
	return err
}

// recent looks at what is new or changed since the last look, with an overlap.
func (r *run) recent(ctx context.Context, now time.Time) error {
	return r.since(ctx, keyCursor, now, window{names: r.set.Details.byUpdated()}, func(ctx context.Context, e georeport.Entry) error {
		return r.take(ctx, e, origin{})
	})
}

// since reads a window from where the last one of its kind ended. The end is the
// server's clock at the first question, so that only its own clock counts, and it is
// kept once everything was taken.
func (r *run) since(ctx context.Context, key string, now time.Time, w window, take taker) error {
	cursor, _, err := r.moment(ctx, key)
	if err != nil {
		return err
	}
	if cursor.IsZero() {
		if cursor, _, err = r.moment(ctx, keyBegin); err != nil {
			return err
		}
	}
	if cursor.After(now) { // a clock was set back
		cursor = now
	}
	w.from, w.to = cursor.Add(-r.set.Overlap), now.Add(day)
	r.late = nil
	date, err := r.read(ctx, w, take)
	if err := errors.Join(err, r.late); err != nil {
		return err
	}
	if date.IsZero() || date.After(now) {
		date = now
	}
	if !date.After(cursor) {
		return nil
	}
	return r.memory.keep(ctx, key, date)
}
