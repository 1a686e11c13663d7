package app

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/desk"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
	"github.com/amtsbote/amtsbote/hub/internal/quota"
	"github.com/amtsbote/amtsbote/hub/internal/webhook"
)

// unit is something at work that a reload can stop and start again: the lanes of
// an organisation, an adapter.
type unit struct {
	sign    string
	adapter *RunningAdapter // nil for lanes
	places  map[string]place
	ins     []string          // in streams of lanes
	pace    *quota.Pace       // of lanes
	clerk   *quarantine.Clerk // of lanes
	hook    *webhook.Hook     // nil for all but webhooks
	desk    *desk.Desk        // nil for all but mailboxes of mode http
	heard   chan struct{}     // closed when receivers are heard; nil for all but mode nats
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// plan is a unit that is made but not at work.
type plan struct {
	sign    string // what it was made of
	adapter *RunningAdapter
	places  map[string]place // where its keys are parked, by placeOf
	ins     []string         // in streams of lanes
	pace    *quota.Pace      // of lanes
	clerk   *quarantine.Clerk
	hook    *webhook.Hook
	desk    *desk.Desk
	heard   chan struct{}
	runs    []func(context.Context) error
}

// plan makes the units of a version that are not at work already, by name; a nil
// plan is one that goes on as it is. Nothing is started.
func (a *App) plan(fed *federation.Federation) (map[string]*plan, error) {
	plans := map[string]*plan{}
	for _, o := range fed.Organisations {
		name := "lanes " + o.ID
		if a.units[name] == nil {
			plans[name] = a.lanes(o.ID)
		} else {
			plans[name] = nil
		}
	}
	var errs []error
	for _, ad := range fed.Adapters {
		name := "adapter " + ad.Name
		if old := a.units[name]; old != nil && old.sign == ad.Sign() {
			plans[name] = nil
			continue
		}
		p, err := a.adapterPlan(ad)
		errs = append(errs, err)
		plans[name] = p
	}
	errs = append(errs, a.webhooks(fed, plans)...)
	a.desks(fed, plans)
	return plans, errors.Join(append(errs, a.planAcks(fed, plans))...)
}

// lanes plans the work on the two in streams of an organisation.
func (a *App) lanes(organisation string) *plan {
	deciding := &sync.Mutex{}
	parking := &flow.Parking{
		Organisation: organisation, Bus: a.bus, Index: a.index, Deciding: deciding, Current: a.version.Load,
		Decided: a.cfg.Observer.Decided, Log: a.log.With(zap.String("organisation", organisation)),
	}
	p := &plan{
		places: map[string]place{placeOf(decision.ParkedKey{Application: organisation, Direction: decision.In}): parking},
	}
	p.clerk = a.newClerk(organisation, deciding, parking.CaughtUp)
	p.runs = []func(context.Context) error{parking.Run, p.clerk.Run}
	refused := a.share(organisation, bus.Quarantine, "quarantine."+organisation+".>", a.cfg.layout().Quarantine)
	aside := a.share(organisation, bus.Parked, "parked."+organisation+".*."+string(decision.In)+".*", a.cfg.layout().Parked)
	pace := &quota.Pace{Organisation: organisation, Rate: func() int { return a.pace(organisation) }, Log: a.log}
	p.pace = pace
	for _, in := range []string{bus.InStream(organisation), bus.EdgeStream(organisation)} {
		l := &flow.Lane{
			Organisation: organisation, In: in, Bus: a.bus, Current: a.version.Load, Index: a.index, Now: time.Now,
			Deciding: deciding, Parking: parking, Ledger: a.ledger, Boxes: a.boxes, Refused: refused, Aside: aside, Pace: pace,
			Decided: a.cfg.Observer.Decided, Log: a.log.With(zap.String("in", in)),
		}
		p.ins, p.runs = append(p.ins, in), append(p.runs, l.Run)
	}
	return p
}

// pace is how many events a second an organisation may have worked off, by the
// version in force; 0: as many as come.
func (a *App) pace(organisation string) int {
	if o, ok := a.Federation().Organisation(organisation); ok {
		return o.Pace
	}
	return 0
}

// held tells how long the events of organisations were held up by their limits.
func (a *App) held() map[string]time.Duration {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	out := map[string]time.Duration{}
	for _, u := range a.units {
		if u.pace != nil {
			out[u.pace.Organisation] = u.pace.Held()
		}
	}
	return out
}

// share is what an organisation may fill of a stream that all share.
func (a *App) share(organisation, stream, filter string, total int64) *quota.Share {
	return &quota.Share{Organisation: organisation, Bus: a.bus, Stream: stream, Filter: filter, Total: total, Log: a.log}
}

// apply stops the units that the plans replace or leave out, and starts the new
// ones.
func (a *App) apply(plans map[string]*plan) {
	for name, u := range a.units {
		if p, stays := plans[name]; !stays || p != nil {
			u.stop()
			u.done.Wait()
			delete(a.units, name)
			if !stays { // nobody will look, as after a restart without it
				a.loose(u.ins, 0)
			}
		}
	}
	for name, p := range plans {
		if p != nil {
			a.units[name] = a.start(p)
		}
	}
	a.showWork()
}

// atWork is what runs, for those who show it: they do not wait for a reload.
type atWork struct {
	hooks    map[string]*webhook.Hook // by application
	adapters []RunningAdapter         // by name
}

func (a *App) atWork() *atWork {
	if w := a.working.Load(); w != nil {
		return w
	}
	return &atWork{}
}

// showWork is called when units have changed.
func (a *App) showWork() {
	w := &atWork{hooks: map[string]*webhook.Hook{}}
	for _, name := range slices.Sorted(maps.Keys(a.units)) {
		u := a.units[name]
		if u.adapter != nil {
			w.adapters = append(w.adapters, *u.adapter)
		}
		if u.hook != nil {
			w.hooks[u.hook.Application] = u.hook
		}
	}
	a.working.Store(w)
}

// loose has what lanes may have stored in OUT and QUARANTINE stay there from a sequence on;
// 0: no longer.
func (a *App) loose(ins []string, from uint64) {
	for _, in := range ins {
		for _, stream := range []string{bus.Out, bus.Quarantine, bus.Parked} {
			a.bus.Loose(stream, in, from)
		}
	}
}

func (a *App) start(p *plan) *unit {
	a.loose(p.ins, 1) // until the lanes have looked
	ctx, stop := context.WithCancel(a.run)
	u := &unit{sign: p.sign, adapter: p.adapter, places: p.places, ins: p.ins, pace: p.pace, clerk: p.clerk, hook: p.hook, desk: p.desk, heard: p.heard, stop: stop}
	for _, run := range p.runs {
		u.done.Add(1)
		a.group.Go(func() error {
			defer u.done.Done()
			return run(ctx)
		})
	}
	return u
}

// stopUnits lets go of what Stop has ended.
func (a *App) stopUnits() {
	for name, u := range a.units {
		u.stop()
		delete(a.units, name)
	}
	a.showWork()
}

// place finds where a key is parked; nil when this hub does not serve it.
func (a *App) place(name string) place {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	for _, u := range a.units {
		if p := u.places[name]; p != nil {
			return p
		}
	}
	return nil
}
