package flow

import (
	"context"
	"sync"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

// ask is what a person wants done with a key.
type ask struct {
	token, act string
	returned   int
	done       chan error
}

// Run releases and returns keys, those that were underway before a restart and
// those asked for, until ctx ends.
func (p *Parking) Run(ctx context.Context) error {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		err := p.open(ctx)
		if err == nil {
			break
		}
		p.Log.Warn("parked keys could not be read; trying again", zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
	// what the edge stream's lane has recorded and not carried out is neither
	// parked nor gone
	select {
	case <-p.ready:
	case <-ctx.Done():
		return nil
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	p.begin(ctx, &wg)
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-p.asked:
			if err := p.accept(ctx, a); err != nil || a.act == decision.ActRelease {
				a.done <- err
			}
			p.begin(ctx, &wg)
		}
	}
}

// begin starts the work on keys with an act underway.
func (p *Parking) begin(ctx context.Context, wg *sync.WaitGroup) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for token, k := range p.keys {
		if k.underway != "" && !k.works {
			k.works = true
			wg.Go(func() { p.work(ctx, token, k) })
		}
	}
}

// Release has a key's parked events decided anew and carried out, in order,
// before newer ones. It returns when that is stored: it will go on after a
// restart.
func (p *Parking) Release(ctx context.Context, token string) error {
	return p.ask(ctx, &ask{token: token, act: decision.ActRelease, done: make(chan error, 1)})
}

// Return sends a key's parked events back: they rest in quarantine as RETURNED,
// and the key is free. It tells how many there were. Once it has begun it ends,
// also after a restart.
func (p *Parking) Return(ctx context.Context, token string) (int, error) {
	a := &ask{token: token, act: decision.ActReturn, done: make(chan error, 1)}
	if err := p.ask(ctx, a); err != nil {
		return 0, err
	}
	return a.returned, nil
}

func (p *Parking) ask(ctx context.Context, a *ask) error {
	p.mu.Lock()
	asked := p.asked
	p.mu.Unlock()
	if asked == nil {
		return parked.ErrStarting
	}
	select {
	case asked <- a:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// accept stores what is asked for, so that it goes on after a crash.
func (p *Parking) accept(ctx context.Context, a *ask) error {
	p.mu.Lock() // also while it is stored: the act before must not end in between
	defer p.mu.Unlock()
	k := p.keys[a.token]
	switch {
	case k == nil:
		return parked.ErrNotParked
	case k.underway == decision.ActReturn:
		return parked.ErrReturning
	case k.underway == a.act:
		return nil
	}
	at, err := p.Bus.Publish(ctx, event.Message{Subject: p.filter(a.token).Mark(a.act)})
	if err != nil {
		return err
	}
	k.marked = at
	p.reach("marked")
	k.underway = a.act
	if a.act == decision.ActReturn {
		k.waits = a
	}
	return nil
}

// unmark forgets that an act is underway. It takes no mark away that it does not know:
// what a hub asked for at its end the server may do when the next one is at work.
func (p *Parking) unmark(ctx context.Context, token string, k *heldKey) error {
	return p.Bus.Purge(ctx, bus.Parked, p.filter(token).Mark("*"), k.marked)
}

// work does what is underway with a key until the key is free, or its release
// is stopped by an event that cannot be carried out.
func (p *Parking) work(ctx context.Context, token string, k *heldKey) {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		p.mu.Lock()
		act := k.underway
		p.mu.Unlock()
		step := p.round
		if act == decision.ActReturn {
			step = p.giveBack
		}
		ended, err := step(ctx, token, k)
		if ended || ctx.Err() != nil {
			return
		}
		if err == nil {
			attempt = 0
			continue
		}
		p.Log.Warn("parked key: trying again", zap.String("key", token), zap.String("act", act), zap.Int("attempt", attempt), zap.Error(err))
		settle.Wait(ctx, min(settle.Backoff(attempt, settle.Jitter()), maxWait))
	}
}
