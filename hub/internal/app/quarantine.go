package app

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
)

// newClerk makes who clears an organisation's quarantine.
func (a *App) newClerk(organisation string, deciding *sync.Mutex, caughtUp func() bool) *quarantine.Clerk {
	return &quarantine.Clerk{
		Organisation: organisation, Bus: a.bus, Index: a.index, Store: a.store, Deciding: deciding, CaughtUp: caughtUp,
		Current: a.version.Load, Decided: a.cfg.Observer.Decided, Now: time.Now, Log: a.log.With(zap.String("organisation", organisation)),
	}
}

// clerk is who clears an organisation's quarantine; nil when it is not in the directory.
func (a *App) clerk(organisation string) *quarantine.Clerk {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if u := a.units["lanes "+organisation]; u != nil {
		return u.clerk
	}
	return nil
}

// notServed is why nothing is done for an organisation that is not in the directory.
var notServed = &quarantine.NotDone{Why: quarantine.Starting}

// Clear implements console.Hub.
func (h consoleHub) Clear(ctx context.Context, organisation string, r quarantine.Request) (quarantine.Outcome, error) {
	c := h.a.clerk(organisation)
	if c == nil {
		return 0, notServed
	}
	out, err := c.Act(ctx, r)
	if err == nil {
		h.a.log.Info("a person acted on an event in quarantine", zap.String("act", r.Act), zap.Uint64("seq", r.Seq), zap.Bool("underway", out == quarantine.Underway))
	}
	return out, err
}

// Try implements console.Hub.
func (h consoleHub) Try(ctx context.Context, organisation string, seq uint64) error {
	c := h.a.clerk(organisation)
	if c == nil {
		return notServed
	}
	return c.Try(ctx, seq)
}

// Cleared implements console.Hub.
func (h consoleHub) Cleared(ctx context.Context, seq uint64) (*decision.Act, *event.Message, error) {
	act, err := quarantine.Last(ctx, h.a.bus, seq)
	if err != nil || act == nil || act.Act != decision.ActQuarantineEdit {
		return act, nil, err
	}
	m, err := quarantine.Original(ctx, h.a.bus, seq)
	return act, m, err
}

// StartRun implements console.Hub.
func (h consoleHub) StartRun(ctx context.Context, organisation string, r quarantine.RunRequest) error {
	c := h.a.clerk(organisation)
	if c == nil {
		return notServed
	}
	h.a.log.Info("a person has an act done to a group in quarantine", zap.String("act", r.Act), zap.String("run", r.Name), zap.Uint64("messages", r.Total))
	return c.Start(ctx, r)
}

// StopRun implements console.Hub.
func (h consoleHub) StopRun(ctx context.Context, organisation, name, who, reason string) error {
	c := h.a.clerk(organisation)
	if c == nil {
		return notServed
	}
	return c.Stop(ctx, name, who, reason)
}

// Runs implements console.Hub.
func (h consoleHub) Runs(organisation string) []quarantine.Progress {
	if c := h.a.clerk(organisation); c != nil {
		return c.Runs()
	}
	return nil
}

// Work implements console.Hub.
func (h consoleHub) Work(ctx context.Context, name string) (quarantine.Work, error) {
	return quarantine.ReadWork(ctx, h.a.store, name)
}

// SetWork implements console.Hub.
func (h consoleHub) SetWork(ctx context.Context, organisation string, r quarantine.WorkRequest) error {
	c := h.a.clerk(organisation)
	if c == nil {
		return notServed
	}
	return c.Work(ctx, r)
}

// QuarantineEnd implements console.Hub.
func (h consoleHub) QuarantineEnd(ctx context.Context) (uint64, error) {
	return h.a.bus.LastSeq(ctx, bus.Quarantine)
}
