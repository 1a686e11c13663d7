package app

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
)

// doors lets organisations in: the embedded server, or an external one whose
// operator has given the hub a signing key.
type doors interface {
	Accounts() *accounts.Book
	Admit(ctx context.Context, m bus.MailboxOwners, orgs []accounts.Organisation) error
	Push(ctx context.Context) error
}

// connecting is who may connect by a version of the directory, and to which
// mailboxes.
func connecting(fed *federation.Federation) []accounts.Organisation {
	var out []accounts.Organisation
	for _, o := range fed.Organisations {
		one := accounts.Organisation{ID: o.ID}
		for _, app := range o.Applications {
			a := accounts.Application{ID: app.ID}
			if takesItself(app) {
				a.Mailbox = decision.MailboxName(app.ID)
			}
			one.Applications = append(one.Applications, a)
		}
		out = append(out, one)
	}
	return out
}

// takesItself tells whether an application takes its copies by NATS.
func takesItself(app *federation.Application) bool {
	return app.Mailbox != nil && app.Mailbox.Mode == federation.ModeNATS
}

// specs are the streams that a version needs.
func (a *App) specs(fed *federation.Federation) ([]bus.StreamSpec, error) {
	ids := make([]string, 0, len(fed.Organisations))
	for _, o := range fed.Organisations {
		ids = append(ids, o.ID)
	}
	keys := map[string]string{}
	if a.doors != nil {
		var err error
		if keys, err = a.doors.Accounts().Accounts(ids...); err != nil {
			return nil, err
		}
	}
	orgs := make([]bus.Organisation, 0, len(ids))
	for _, o := range fed.Organisations {
		orgs = append(orgs, bus.Organisation{ID: o.ID, Quota: o.QuotaBytes, Account: keys[o.ID]})
	}
	return a.cfg.layout().Specs(orgs), nil
}

// planAcks plans the recording of what receivers that take their copies themselves
// say of them.
func (a *App) planAcks(fed *federation.Federation, plans map[string]*plan) error {
	if a.doors == nil {
		return nil
	}
	for _, o := range fed.Organisations {
		keys, err := a.doors.Accounts().Accounts(o.ID)
		if err != nil {
			return err
		}
		for _, app := range o.Applications {
			if !takesItself(app) {
				continue
			}
			name := "acks " + app.ID
			if a.units[name] != nil {
				plans[name] = nil
				continue
			}
			heard := make(chan struct{})
			acks := &mailbox.Acks{Account: keys[o.ID], Heard: func() { close(heard) }, Mailbox: &mailbox.Mailbox{
				Application: app.ID, Bus: a.bus, Blobs: a.blobs, Index: a.index, Recorder: a.recorder, Hands: a.hands,
				Log: a.log.With(zap.String("mailbox", app.ID)),
			}}
			plans[name] = &plan{heard: heard, runs: []func(context.Context) error{acks.Run}}
		}
	}
	return nil
}

// admit opens the doors when the store is compared and what comes in is heard.
func (a *App) admit(ctx context.Context) error {
	if a.doors == nil {
		return nil
	}
	for _, u := range a.units {
		if u.heard == nil {
			continue
		}
		select {
		case <-u.heard:
		case <-ctx.Done():
			return ctx.Err()
		case <-a.done:
			return errors.New("the hub ended while it started")
		}
	}
	fed := a.Federation()
	return a.doors.Admit(ctx, mailboxes(fed), connecting(fed))
}

// doorsEvery is how often it is looked whose time is over.
const doorsEvery = time.Minute

// keepDoors locks out whose credential was replaced when its overlap is over. Who has
// expired the server drops by itself.
func (a *App) keepDoors(ctx context.Context) error {
	if a.doors == nil {
		return nil
	}
	tick := time.NewTicker(doorsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := a.doors.Push(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("accounts could not be brought up to date; trying again in a minute", zap.Error(err))
			}
		}
	}
}

// Violations tells how often clients of the embedded server tried what they may not;
// nil with an external one, which counts by itself.
func (a *App) Violations() map[bus.Violation]uint64 {
	if a.server == nil {
		return nil
	}
	return a.server.Violations()
}
