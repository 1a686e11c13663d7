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

// adapters makes every adapter of the federation and starts its two sides. All
// are made before any runs, so that a wrong setting stops the start.
func (a *App) adapters(ctx context.Context) error {
	var runs []func() error
	for _, ad := range a.fed.Adapters {
		kind, ok := a.kinds.find(ad.Kind)
		if !ok {
			return fmt.Errorf("adapter %s: there is no kind %q", ad.Name, ad.Kind)
		}
		r := RunningAdapter{Name: ad.Name, Kind: ad.Kind, Application: ad.Application.ID}
		env := a.env(ad.Name, ad.Application.ID)
		source, err := a.source(ctx, kind, ad, env, &r)
		if err != nil {
			return err
		}
		sink, err := a.sink(ctx, kind, ad, env, &r)
		if err != nil {
			return err
		}
		runs = append(append(runs, source...), sink...)
		a.running = append(a.running, r)
	}
	for _, run := range runs {
		a.group.Go(run)
	}
	return nil
}

func (a *App) env(name, application string) hub.Env {
	return hub.Env{
		Application: application, Adapter: name, Dir: a.cfg.Data, Federation: a.fed.Dir,
		Production: a.fed.Production, Log: a.log.With(zap.String("adapter", name)),
	}
}

func (a *App) source(ctx context.Context, kind hub.Kind, ad *federation.Adapter, env hub.Env, r *RunningAdapter) ([]func() error, error) {
	if kind.Source == nil || !ad.Source {
		return nil, nil
	}
	source, err := kind.Source(env, ad.Settings)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", ad.Name, err)
	}
	if p, ok := source.(hub.Placed); ok {
		r.Places.In, r.Places.SetAside = p.Places().In, p.Places().SetAside
	}
	in := &intake.Intake{
		Adapter: ad.Name, Application: ad.Application, Source: source, Federation: a.fed,
		Bus: a.bus, Store: a.store, BlobStore: a.blobs, Log: env.Log,
	}
	return []func() error{
		func() error { return in.Run(ctx) },
		func() error { return in.Tell(ctx) },
	}, nil
}

// sink starts the hand-out of the application's mailbox, if it has one that the
// hub hands out.
func (a *App) sink(ctx context.Context, kind hub.Kind, ad *federation.Adapter, env hub.Env, r *RunningAdapter) ([]func() error, error) {
	if kind.Sink == nil || !ad.Sink {
		return nil, nil
	}
	sink, err := kind.Sink(env, ad.Settings)
	if err != nil {
		return nil, fmt.Errorf("adapter %s: %w", ad.Name, err)
	}
	if p, ok := sink.(hub.Placed); ok {
		r.Places.Out = p.Places().Out
	}
	m := &mailbox.Mailbox{
		Application: ad.Application.ID, Sink: sink, Bus: a.bus, Blobs: a.blobs, Index: a.index,
		Recorder: a.recorder, Log: env.Log,
	}
	a.places[placeOf(decision.ParkedKey{Application: m.Application, Direction: decision.Out})] = m
	return []func() error{func() error { return m.Run(ctx) }}, nil
}

// simulators starts the foreign systems that a test federation plays itself.
func (a *App) simulators(ctx context.Context) error {
	for _, s := range a.fed.Simulators {
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
