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
	"github.com/amtsbote/amtsbote/hub/internal/flow/settle"
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
	acting sync.Mutex // one write at a time

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

// pausing is how long an act may take. It does not end with the request: what is recorded
// is done.
const pausing = 20 * time.Second

// pause stops what is named, or lets it go on: recorded, then done, then stored.
func (a *App) pause(ctx context.Context, r console.PauseRequest) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pausing)
	defer cancel()
	a.reloading.Lock() // the mode must not change meanwhile
	defer a.reloading.Unlock()
	name, app, err := a.pausable(r)
	if err != nil {
		return err
	}
	if r.Adapter == "" && app.Mailbox.Mode == federation.ModeWebhook {
		return a.pauseHook(ctx, app.ID, r)
	}
	now := time.Now().UTC()
	if err := a.recordPause(ctx, r, app, now); err != nil {
		return err
	}
	a.log.Info("a person acted on a receiver or an adapter", zap.String("name", name), zap.Bool("paused", r.Pause))
	var one *console.Pause
	if r.Pause {
		one = &console.Pause{Who: r.Who, Reason: r.Reason, At: now}
	}
	return a.settlePause(ctx, name, one)
}

// pauseHook stops a webhook, which has its own memory of that. It is called with reloading
// held.
func (a *App) pauseHook(ctx context.Context, application string, r console.PauseRequest) error {
	u := a.units[hookUnit+application]
	if u == nil {
		return console.ErrNotThere
	}
	act := a.resumeHook
	if r.Pause {
		act = pauseHook
	}
	err := act(ctx, u.hook, r.Who, r.Reason)
	if errors.Is(err, webhook.ErrNotRunning) {
		return console.ErrNotThere
	}
	return err
}

func pauseHook(ctx context.Context, h *webhook.Hook, who, reason string) error {
	return h.Pause(ctx, who, reason)
}

// resumeHook lets a webhook go on, and ends the pause that its mailbox has from another mode.
func (a *App) resumeHook(ctx context.Context, h *webhook.Hook, who, reason string) error {
	if err := h.Resume(ctx, who, reason); err != nil {
		return err
	}
	return a.settlePause(ctx, pausedReceiver+h.Application, nil)
}

// settlePause notes a pause, or with nil its end, and has store and server follow; when they
// do not answer, it goes on trying.
func (a *App) settlePause(ctx context.Context, name string, one *console.Pause) error {
	a.pauses.set(name, one)
	err := a.enforcePause(ctx, name)
	if err != nil && a.run.Err() == nil {
		a.group.Go(func() error {
			a.insist(name)
			return nil
		})
	}
	return err
}

// insist repeats until store and server know of what a person did last.
func (a *App) insist(name string) {
	for attempt := 1; a.run.Err() == nil; attempt++ {
		settle.Wait(a.run, settle.Backoff(attempt, settle.Jitter()))
		ctx, cancel := context.WithTimeout(a.run, pausing)
		err := a.enforcePause(ctx, name)
		cancel()
		if err == nil {
			return
		}
		a.log.Warn("what a person paused or let go on is not in force everywhere yet; trying again", zap.String("name", name), zap.Error(err))
	}
}

// enforcePause has store and server agree with what is noted. A pause is stored first, and
// its end last: what the store says is done again at the start.
func (a *App) enforcePause(ctx context.Context, name string) error {
	a.pauses.acting.Lock()
	defer a.pauses.acting.Unlock()
	application, mailbox := strings.CutPrefix(name, pausedReceiver)
	app, ok := a.Federation().Application(application)
	mailbox = mailbox && ok && app.Mailbox != nil
	if one, _ := a.pauses.get(name); one != nil {
		if err := a.storePause(ctx, name, one); err != nil || !mailbox {
			return err
		}
		return a.pauseAtServer(ctx, app)
	}
	if mailbox {
		if err := a.letGo(ctx, app); err != nil {
			return err
		}
	}
	return a.store.Delete(ctx, pausePrefix+name)
}

func (a *App) storePause(ctx context.Context, name string, one *console.Pause) error {
	raw, err := json.Marshal(one)
	if err != nil {
		return err
	}
	return a.store.Put(ctx, pausePrefix+name, raw)
}

// letGo ends what holds a mailbox back besides the store, in whatever mode it was paused.
func (a *App) letGo(ctx context.Context, app *federation.Application) error {
	if err := a.bus.PauseMailbox(ctx, app.ID, false); err != nil || app.Mailbox.Mode == federation.ModeWebhook {
		return err // a webhook at work keeps its own state
	}
	return webhook.Unhalt(ctx, a.store, app.ID)
}

// pausedMailbox tells of the pause of a mailbox, nil for none.
func (a *App) pausedMailbox(application string) *console.Pause {
	if h := a.atWork().hooks[application]; h != nil {
		if halt := a.stateOf(h).Halt; halt != nil {
			return pauseOf(halt)
		}
		return nil
	}
	one, _ := a.pauses.get(pausedReceiver + application)
	return one
}

func pauseOf(halt *webhook.Halt) *console.Pause {
	return &console.Pause{Who: halt.Who, Reason: cmp.Or(halt.Reason, halt.Why), At: halt.At}
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
func (a *App) pauseAtServer(ctx context.Context, app *federation.Application) error {
	if app.Mailbox == nil || app.Mailbox.Mode != federation.ModeNATS {
		return nil
	}
	return a.bus.PauseMailbox(ctx, app.ID, true)
}

// settlePauses reads what is paused before anything runs, and has the server know of it,
// after a crash or when a mailbox was made anew or has another mode. A pause outlasts a
// change of mode, in both directions: only a person ends it.
func (a *App) settlePauses(ctx context.Context, fed *federation.Federation) error {
	if err := a.pauses.load(ctx, a.store); err != nil {
		return err
	}
	for _, app := range fed.Applications() {
		if app.Mailbox == nil {
			continue
		}
		if err := a.carryHalt(ctx, app); err != nil {
			return err
		}
		if paused, _ := a.pauses.get(pausedReceiver + app.ID); paused == nil {
			continue
		}
		if err := a.pauseAtServer(ctx, app); err != nil {
			return err
		}
	}
	return nil
}

// carryHalt keeps a mailbox paused that was so as a webhook and is none now. The other way
// round the pause goes on to hold the webhook's mailbox back.
func (a *App) carryHalt(ctx context.Context, app *federation.Application) error {
	if paused, _ := a.pauses.get(pausedReceiver + app.ID); paused != nil || app.Mailbox.Mode == federation.ModeWebhook {
		return nil
	}
	s, err := webhook.ReadState(ctx, a.store, app.ID)
	if err != nil || s == nil || s.Halt == nil || s.Halt.Why != webhook.HaltPaused {
		return err
	}
	one := pauseOf(s.Halt)
	if err := a.storePause(ctx, pausedReceiver+app.ID, one); err != nil {
		return err
	}
	a.pauses.set(pausedReceiver+app.ID, one)
	return nil
}
