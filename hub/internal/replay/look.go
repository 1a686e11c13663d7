package replay

import (
	"context"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Look is what a dry run found.
type Look struct {
	Scope  decision.ReplayScope
	Counts decision.ReplayCounts
	// Whole tells that it came to the end; otherwise there are more.
	Whole bool
}

// Act is the record of who had the dry run, for the trail before its counts are shown. It
// holds the scope and not the counts.
func (l *Look) Act(by By, at time.Time) *decision.Act {
	return &decision.Act{
		Act: decision.ActReplayLook, Application: l.Scope.Application, Who: by.Who, At: at.UTC(),
		Replay: &decision.Replay{Scope: l.Scope, Person: by.Person},
	}
}

const (
	pageSize = 500
	// looksAtOnce bounds how many dry runs read the store at the same time.
	looksAtOnce = 2
)

// DryRun counts what a replay of this scope would do now. It writes nothing: who shows
// the counts to a person records Look.Act first. When ctx
// ends, or after most candidates (0: no bound), it gives what it has counted so far.
func (e *Engine) DryRun(ctx context.Context, scope decision.ReplayScope, most uint64) (look Look, err error) {
	if look.Scope, err = e.scope(scope); err != nil {
		return look, err
	}
	free, err := e.turn()
	if err != nil {
		return look, err
	}
	defer free()
	look.Counts = decision.ReplayCounts{}
	err = e.look(ctx, &look, most)
	if err != nil && ctx.Err() != nil {
		return look, nil
	}
	return look, err
}

// turn keeps dry runs from being more than the store can bear beside its work.
func (e *Engine) turn() (free func(), err error) {
	e.mu.Lock()
	if e.looks == nil {
		e.looks = make(chan struct{}, looksAtOnce)
	}
	looks := e.looks
	e.mu.Unlock()
	select {
	case looks <- struct{}{}:
		return func() { <-looks }, nil
	default:
		return nil, ErrBusy
	}
}

func (e *Engine) look(ctx context.Context, look *Look, most uint64) error {
	upTo, err := e.Bus.LastSeq(ctx, bus.Trail)
	if err != nil {
		return err
	}
	at, err := e.start(ctx, &look.Scope, upTo)
	if err != nil {
		return err
	}
	r := &Run{Replay: decision.Replay{Scope: look.Scope}}
	for n := uint64(0); at.seq <= upTo; {
		cs, next, err := e.page(ctx, &look.Scope, at, upTo, pageSize, func() bool { return ctx.Err() != nil })
		if err != nil {
			return err
		}
		for i := range cs {
			if n++; most > 0 && n > most {
				return nil
			}
			j, err := e.judge(ctx, e.Current(), r, &cs[i])
			if err != nil {
				return err
			}
			if j != nil {
				look.Counts[j.record.Verdict]++
			}
		}
		at = next
	}
	look.Whole = true
	return nil
}
