package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/console"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/webhook"
)

// What can be paused, in names of pauses.
const (
	pausedReceiver = "receiver." // and an application: its mailbox hands nothing out
	pausedSource   = "source."   // and an adapter: it asks its foreign system for nothing
	pausePrefix    = "paused."   // of keys in the store
)

// pauses holds back what a person has paused. A pause lies in the store: it outlasts the
// hub. The zero value holds nothing back.
type pauses struct {
	acting sync.Mutex // one act at a time

	mu      sync.Mutex
	loaded  bool
	of      map[string]*console.Pause
	changed chan struct{} // closed at the next change
}

// load reads what is paused, once.
func (p *pauses) load(ctx context.Context, store *bus.Store) error {
	p.acting.Lock()
	defer p.acting.Unlock()
	p.mu.Lock()
	loaded := p.loaded
	p.mu.Unlock()
	if loaded {
		return nil
	}
	all, err := store.All(ctx)
	if err != nil {
		return fmt.Errorf("read what is paused: %w", err)
	}
	of := map[string]*console.Pause{}
	for key, raw := range all {
		name, ok := strings.CutPrefix(key, pausePrefix)
		if !ok {
			continue
		}
		one := &console.Pause{}
		_ = json.Unmarshal(raw, one) // who and why may be lost; it is paused all the same
		of[name] = one
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of, p.loaded = of, true
	return nil
}

// get tells of a pause, nil for none, and what is closed when it may be another.
func (p *pauses) get(name string) (*console.Pause, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.of[name], p.changed
}

// set notes a pause, or with nil its end.
func (p *pauses) set(name string, one *console.Pause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[string]*console.Pause{}
	}
	if p.of[name] = one; one == nil {
		delete(p.of, name)
	}
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// gated runs fn while nobody has paused it, again and again: a pause ends its context and
// waits for it to return.
func (p *pauses) gated(name string, fn func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for ctx.Err() == nil {
			paused, changed := p.get(name)
			if paused != nil {
				select {
				case <-changed:
				case <-ctx.Done():
				}
				continue
			}
			again, err := p.unlessPaused(ctx, name, fn)
			if err != nil || !again {
				return err
			}
		}
		return nil
	}
}

// unlessPaused runs fn once, and tells whether a pause has ended it.
func (p *pauses) unlessPaused(ctx context.Context, name string, fn func(context.Context) error) (paused bool, err error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan bool, 1)
	go func() {
		for {
			one, changed := p.get(name)
			if one != nil {
				stop()
				watched <- true
				return
			}
			select {
			case <-changed:
			case <-running.Done():
				watched <- false
				return
			}
		}
	}()
	err = fn(running)
	stop()
	return <-watched, err
}

// pause stops what is named, or lets it go on: recorded, then stored, then done.
func (a *App) pause(ctx context.Context, r console.PauseRequest) error {
	name, app, err := a.pausable(r)
	if err != nil {
		return err
	}
	if r.Adapter == "" && app.Mailbox.Mode == federation.ModeWebhook {
		return a.pauseHook(ctx, app.ID, r)
	}
	a.pauses.acting.Lock()
	defer a.pauses.acting.Unlock()
	now := time.Now().UTC()
	if err := a.recordPause(ctx, r, app, now); err != nil {
		return err
	}
	a.log.Info("a person acted on a receiver or an adapter", zap.String("name", name), zap.Bool("paused", r.Pause))
	if r.Pause {
		one := &console.Pause{Who: r.Who, Reason: r.Reason, At: now}
		raw, err := json.Marshal(one)
		if err != nil {
			return err
		}
		if err := a.store.Put(ctx, pausePrefix+name, raw); err != nil {
			return err
		}
		a.pauses.set(name, one)
		return a.pauseAtServer(ctx, app, r.Adapter, true)
	}
	if err := a.pauseAtServer(ctx, app, r.Adapter, false); err != nil { // first: what the store says is done again at the start
		return err
	}
	if err := a.store.Delete(ctx, pausePrefix+name); err != nil {
		return err
	}
	a.pauses.set(name, nil)
	return nil
}

// pauseHook stops a webhook, which has its own memory of that.
func (a *App) pauseHook(ctx context.Context, application string, r console.PauseRequest) error {
	h := a.hook(application)
	if h == nil {
		return console.ErrNotThere
	}
	act := h.Resume
	if r.Pause {
		act = h.Pause
	}
	err := act(ctx, r.Who, r.Reason)
	if errors.Is(err, webhook.ErrNotRunning) {
		return console.ErrNotThere
	}
	return err
}

// pausedMailbox tells of the pause of a mailbox, nil for none.
func (a *App) pausedMailbox(application string) *console.Pause {
	if h := a.hook(application); h != nil {
		if halt := h.State().Halt; halt != nil {
			return &console.Pause{Who: halt.Who, Reason: cmp.Or(halt.Reason, halt.Why), At: halt.At}
		}
		return nil
	}
	one, _ := a.pauses.get(pausedReceiver + application)
	return one
}

// pausable finds what is to be paused: an adapter, or the mailbox of an application.
func (a *App) pausable(r console.PauseRequest) (name string, app *federation.Application, err error) {
	fed := a.Federation()
	if r.Adapter != "" {
		for _, ad := range fed.Adapters {
			if ad.Name == r.Adapter && ad.Source {
				return pausedSource + ad.Name, ad.Application, nil
			}
		}
		return "", nil, console.ErrNotThere
	}
	app, ok := fed.Application(r.Application)
	if !ok || app.Mailbox == nil {
		return "", nil, console.ErrNotThere
	}
	return pausedReceiver + app.ID, app, nil
}

func (a *App) recordPause(ctx context.Context, r console.PauseRequest, app *federation.Application, at time.Time) error {
	act := &decision.Act{Act: decision.ActPause, Application: app.ID, Direction: decision.Out, Key: "mailbox", Who: r.Who, Reason: r.Reason, At: at}
	if !r.Pause {
		act.Act = decision.ActGoOn
	}
	if r.Adapter != "" {
		act.Direction, act.Key = decision.In, r.Adapter
	}
	m, err := trail.Act(act)
	if err != nil {
		return err
	}
	_, err = a.bus.AppendUnguarded(ctx, []event.Message{m})
	return err
}

// pauseAtServer stops what takes its copies from the server by itself.
func (a *App) pauseAtServer(ctx context.Context, app *federation.Application, adapter string, pause bool) error {
	if adapter != "" || app.Mailbox.Mode != federation.ModeNATS {
		return nil
	}
	return a.bus.PauseMailbox(ctx, app.ID, pause)
}

// settlePauses reads what is paused before anything runs, and has the server know of it,
// after a crash or when a mailbox was made anew; it lets go of what the server holds though
// the hub hands it out now.
func (a *App) settlePauses(ctx context.Context, fed *federation.Federation) error {
	if err := a.pauses.load(ctx, a.store); err != nil {
		return err
	}
	for _, app := range fed.Applications() {
		paused, _ := a.pauses.get(pausedReceiver + app.ID)
		if paused == nil || app.Mailbox == nil {
			continue
		}
		if err := a.bus.PauseMailbox(ctx, app.ID, app.Mailbox.Mode == federation.ModeNATS); err != nil {
			return err
		}
	}
	return nil
}
