package app

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/intake"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

// adapterPlan makes an adapter, so that a wrong setting is found before anything
// is started or stopped.
func (a *App) adapterPlan(ad *federation.Adapter) (*plan, error) {
	kind, ok := a.kinds.find(ad.Kind)
	if !ok {
		return nil, fmt.Errorf("adapter %s: there is no kind %q", ad.Name, ad.Kind)
	}
	p := &plan{sign: ad.Sign(), adapter: &RunningAdapter{Name: ad.Name, Kind: ad.Kind, Application: ad.Application.ID}}
	env := a.env(ad.Name, ad.Application.ID)
	if err := a.source(kind, ad, env, p); err != nil {
		return nil, err
	}
	if err := a.sink(kind, ad, env, p); err != nil {
		return nil, err
	}
	return p, nil
}

func (a *App) env(name, application string) hub.Env {
	return hub.Env{
		Application: application, Adapter: name, Dir: a.cfg.Data, Federation: a.Federation().Dir,
		Production: a.Federation().Production, Log: a.log.With(zap.String("adapter", name)),
	}
}

func (a *App) source(kind hub.Kind, ad *federation.Adapter, env hub.Env, p *plan) error {
	if kind.Source == nil || !ad.Source {
		return nil
	}
	source, err := kind.Source(env, ad.Settings)
	if err != nil {
		return fmt.Errorf("adapter %s: %w", ad.Name, err)
	}
	if placed, ok := source.(hub.Placed); ok {
		p.adapter.Places.In, p.adapter.Places.SetAside = placed.Places().In, placed.Places().SetAside
	}
	in := &intake.Intake{
		Adapter: ad.Name, Application: ad.Application, Source: source, Federation: a.Federation, AcksHeard: a.doors != nil,
		Bus: a.bus, Store: a.store, BlobStore: a.blobs, Log: env.Log,
	}
	p.adapter.intake = in
	p.runs = append(p.runs, a.pauses.gated(pausedSource+ad.Name, in.Run), in.Tell)
	return nil
}

// sink starts the hand-out of the application's mailbox, if it has one that the
// hub hands out.
func (a *App) sink(kind hub.Kind, ad *federation.Adapter, env hub.Env, p *plan) error {
	if kind.Sink == nil || !ad.Sink {
		return nil
	}
	sink, err := kind.Sink(env, ad.Settings)
	if err != nil {
		return fmt.Errorf("adapter %s: %w", ad.Name, err)
	}
	if placed, ok := sink.(hub.Placed); ok {
		p.adapter.Places.Out = placed.Places().Out
	}
	m := &mailbox.Mailbox{
		Application: ad.Application.ID, Sink: sink, Bus: a.bus, Blobs: a.blobs, Index: a.index,
		Recorder: a.recorder, Hands: a.hands, Attempts: a.attempts, Log: env.Log,
	}
	p.places = map[string]place{placeOf(decision.ParkedKey{Application: m.Application, Direction: decision.Out}): m}
	p.runs = append(p.runs, a.pauses.gated(pausedReceiver+m.Application, m.Run))
	if w, ok := sink.(hub.Worker); ok {
		p.runs = append(p.runs, a.pauses.gated(pausedReceiver+m.Application, worked(w, env.Log)))
	}
	return nil
}

// simulators starts the foreign systems that a test federation plays itself.
func (a *App) simulators(ctx context.Context) error {
	for _, s := range a.Federation().Simulators {
		sim, ok := a.kinds.findSimulator(s.Kind)
		if !ok {
			return fmt.Errorf("simulator %s: there is no kind %q", s.Name, s.Kind)
		}
		env := a.env(s.Name, "")
		a.group.Go(func() error {
			if err := sim.Run(ctx, env, s.Settings); err != nil && ctx.Err() == nil {
				return fmt.Errorf("simulator %s: %w", s.Name, err)
			}
			return nil
		})
	}
	return nil
}
