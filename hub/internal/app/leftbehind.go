package app

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// leftBehind says loudly what lies in streams and mailboxes whose organisation
// or application has left the federation directory: nobody works on it.
func (a *App) leftBehind(ctx context.Context) error {
	known := map[string]bool{}
	for _, o := range a.Federation().Organisations {
		known[bus.InStream(o.ID)], known[bus.EdgeStream(o.ID)] = true, true
	}
	streams, err := a.bus.InStreams(ctx)
	if err != nil {
		return err
	}
	for _, in := range streams {
		if known[in] {
			continue
		}
		last, err := a.bus.LastSeq(ctx, in)
		if err != nil {
			return err
		}
		if last > 0 {
			a.log.Error("an in stream belongs to no organisation of the federation directory: its events are not worked on; put the organisation back until they are",
				zap.String("in", in), zap.Uint64("last", last))
		}
	}
	return errors.Join(a.mailboxesLeftBehind(ctx), a.parkedLeftBehind(ctx))
}

// parkedLeftBehind: a parked key can be released only where it was parked.
func (a *App) parkedLeftBehind(ctx context.Context) error {
	known := map[string]bool{}
	for _, o := range a.Federation().Organisations {
		known[placeOf(decision.ParkedKey{Application: o.ID, Direction: decision.In})] = true
	}
	for _, app := range mailboxes(a.Federation()).Sinks {
		known[placeOf(decision.ParkedKey{Application: app, Direction: decision.Out})] = true
	}
	subjects, err := a.bus.Subjects(ctx, bus.Parked, "parked.*.*.*.*")
	if err != nil {
		return err
	}
	for subject, n := range subjects {
		if key, _, ok := decision.ReadParked(subject); ok && !known[placeOf(key)] {
			a.log.Error("a key is parked for an application that the federation directory lacks: it can be neither released nor returned",
				zap.String("application", key.Application), zap.String("key", key.Token), zap.Uint64("messages", n))
		}
	}
	return nil
}

func (a *App) mailboxesLeftBehind(ctx context.Context) error {
	known := map[string]bool{}
	for _, app := range a.Federation().Applications() {
		known[decision.MailboxName(app.ID)] = app.Mailbox != nil
	}
	waiting, err := a.bus.Mailboxes(ctx)
	if err != nil {
		return err
	}
	for name, n := range waiting {
		if !known[name] && n > 0 {
			a.log.Error("a mailbox belongs to no application of the federation directory: its copies are not handed out",
				zap.String("mailbox", name), zap.Uint64("copies", n))
		}
	}
	return nil
}
