package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
)

// Errors of Release and Return.
var (
	ErrNotParked = errors.New("the key is not parked")
	ErrReturning = errors.New("the key is on its way back to the sender")
	ErrStarting  = errors.New("the hub has not read yet what is parked: try again")
)

// ask is what a person wants done with a key.
type ask struct {
	token, act string
	returned   int
	done       chan error
}

// roundSize is how many parked events are released at a time.
const roundSize = 500

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
		return ErrStarting
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
		return ErrNotParked
	case k.underway == decision.ActReturn:
		return ErrReturning
	case k.underway == a.act:
		return nil
	}
	if _, err := p.Bus.Publish(ctx, event.Message{Subject: p.filter(a.token).Mark(a.act)}); err != nil {
		return err
	}
	p.reach("marked")
	k.underway = a.act
	if a.act == decision.ActReturn {
		k.waits = a
	}
	return nil
}

// unmark forgets that an act is underway.
func (p *Parking) unmark(ctx context.Context, token string) error {
	return p.Bus.Purge(ctx, bus.Parked, p.filter(token).Mark("*"), bus.Everything)
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

// round lets the first parked events of a key enter again, by the edge stream,
// waits until its lane has carried them out, and only then removes them: they
// lie in PARKED until each has its outcome.
func (p *Parking) round(ctx context.Context, token string, k *heldKey) (ended bool, err error) {
	page, first, ended, err := p.enter(ctx, token, k)
	if err != nil || ended {
		return ended, err
	}
	if len(page) == 0 {
		return false, p.more(ctx, k)
	}
	if p.reach("entered"); !p.until(ctx, k, func() bool { return p.edge >= k.last }) {
		return false, ctx.Err()
	}
	p.mu.Lock()
	stopped := k.stopped
	k.round = ""
	p.mu.Unlock()
	if stopped > 0 {
		page = page[:stopped-first]
	}
	if err := p.remove(ctx, token, page); err != nil || stopped == 0 {
		return false, err
	}
	return p.stay(ctx, token, k)
}

// enter appends what a round releases to the edge stream; first is the sequence
// of page[0] there. A key of which nothing is left is free.
func (p *Parking) enter(ctx context.Context, token string, k *heldKey) (page []*event.Message, first uint64, ended bool, err error) {
	p.Deciding.Lock()
	defer p.Deciding.Unlock()
	if page, err = p.Bus.Page(ctx, bus.Parked, p.filter(token).Subject(), 0, roundSize); err != nil {
		return nil, 0, false, err
	}
	if len(page) == 0 {
		ended, err = p.free(ctx, token, k)
		return nil, 0, ended, err
	}
	round := nuid.Next()
	msgs, err := released(page, round)
	if err != nil {
		return nil, 0, false, err
	}
	if len(msgs) == 0 {
		p.Log.Error("a parked event is too large to enter again: return it to its sender", zap.String("key", token),
			zap.String("in", page[0].Get(event.HeaderIn)), zap.String("seq", page[0].Get(event.HeaderSeq)))
		ended, err = p.stay(ctx, token, k)
		return nil, 0, ended, err
	}
	if first, err = p.Bus.AppendUnguarded(ctx, msgs); err != nil {
		return nil, 0, false, fmt.Errorf("release %d events: %w", len(msgs), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	k.round, k.stopped, k.last = round, 0, first+uint64(len(msgs))-1
	return page[:len(msgs)], first, false, nil
}

// released makes what enters the edge stream, up to the first that is too large
// for it: it carries a little more than its sender sent.
func released(page []*event.Message, round string) ([]event.Message, error) {
	var out []event.Message
	for _, m := range page {
		r, err := send.Released(m, round)
		if err != nil {
			return nil, err
		}
		if !bus.FitsIn(&r) {
			break
		}
		out = append(out, r)
	}
	return out, nil
}

// remove lets go of parked events that have their outcome.
func (p *Parking) remove(ctx context.Context, token string, done []*event.Message) error {
	if len(done) == 0 {
		return nil
	}
	if err := p.Bus.Purge(ctx, bus.Parked, p.filter(token).Subject(), done[len(done)-1].Seq); err != nil {
		return err
	}
	p.reach("removed")
	return nil
}

// free lets a key go if nothing of it is on its way to PARKED. It is called with
// Deciding held and nothing of the key in PARKED.
func (p *Parking) free(ctx context.Context, token string, k *heldKey) (ended bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(k.coming) > 0 {
		return false, nil
	}
	if err := p.unmark(ctx, token); err != nil {
		return false, err
	}
	p.Log.Info("a parked key is free", zap.String("key", token))
	delete(p.keys, token)
	if k.waits != nil {
		k.waits.done <- nil
	}
	return true, nil
}

// more waits until something of the key that was on its way has come to PARKED.
func (p *Parking) more(ctx context.Context, k *heldKey) error {
	p.mu.Lock()
	before := len(k.coming)
	p.mu.Unlock()
	p.until(ctx, k, func() bool { return before == 0 || len(k.coming) != before })
	return ctx.Err()
}

// stay ends a release that was stopped: the key is parked as before.
func (p *Parking) stay(ctx context.Context, token string, k *heldKey) (ended bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k.underway != decision.ActRelease { // a return has come meanwhile
		return false, nil
	}
	if err := p.unmark(ctx, token); err != nil {
		return false, err
	}
	p.Log.Error("a released key is parked again", zap.String("key", token))
	k.underway, k.works = "", false
	return true, nil
}

// until waits until ok, which is called with mu held, is true; false when ctx
// ended first.
func (p *Parking) until(ctx context.Context, k *heldKey, ok func() bool) bool {
	for {
		p.mu.Lock()
		done := ok()
		p.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-k.moved:
		case <-ctx.Done():
			return false
		}
	}
}

// reach lets a test end the hub at this point.
func (p *Parking) reach(point string) {
	if p.crash != nil {
		p.crash(point)
	}
}
