package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
	"github.com/amtsbote/amtsbote/hub/internal/webhook"
)

// secretsDir is the folder of secrets below the data directory, unless Config says
// another.
const secretsDir = "secrets"

func (a *App) secrets() string {
	if a.cfg.Secrets != "" {
		return a.cfg.Secrets
	}
	return filepath.Join(a.cfg.Data, secretsDir)
}

// webhooks plans the mailboxes of mode webhook. A secret that has changed starts
// its webhook anew, like a change in the directory.
func (a *App) webhooks(fed *federation.Federation, plans map[string]*plan) (errs []error) {
	for _, app := range fed.Applications() {
		if app.Mailbox == nil || app.Mailbox.Webhook == nil {
			continue
		}
		w := app.Mailbox.Webhook
		keys, err := webhook.Load(w, a.secrets())
		if err != nil {
			errs = append(errs, fmt.Errorf("the webhook of %s: %w", app.ID, err))
			continue
		}
		name, sign := hookUnit+app.ID, w.Sign()+keys.Digest()
		if old := a.units[name]; old != nil && old.sign == sign {
			plans[name] = nil
			continue
		}
		plans[name] = a.webhook(app.ID, w, keys, sign)
	}
	return errs
}

func (a *App) webhook(application string, w *federation.Webhook, keys *webhook.Keys, sign string) *plan {
	h := &webhook.Hook{
		Application: application, Webhook: w, Keys: keys, Store: a.store, Turns: &mailbox.Turnstile{}, Tell: a.alarm,
		Record: func(ctx context.Context, act, who, reason string) error {
			return a.recordOn(ctx, application, act, who, reason)
		},
		Log: a.log.With(zap.String("webhook", application)),
	}
	if a.cfg.PublicURL != "" {
		h.Callback = func(key string) string { return a.cfg.PublicURL + webhook.ConsentPath + application + "?key=" + key }
	}
	h.Open()
	m := &mailbox.Mailbox{
		Application: application, Sink: h, Bus: a.bus, Blobs: a.blobs, Index: a.index, Recorder: a.recorder, Hands: a.hands,
		Attempts: a.attempts, Log: h.Log, Budget: webhook.Budget, Turns: h.Turns, SetAside: h.SetAside,
	}
	if w.Format == federation.FormatBatch {
		m.Concurrent, m.Large = webhook.MaxBatch, 16
	}
	p := a.boxPlan(m, sign)
	p.hook = h
	p.runs = append(p.runs, h.Run)
	return p
}

// boxPlan plans a mailbox that the hub hands out.
func (a *App) boxPlan(m *mailbox.Mailbox, sign string) *plan {
	return &plan{
		sign:   sign,
		places: map[string]place{placeOf(decision.ParkedKey{Application: m.Application, Direction: decision.Out}): m},
		runs:   []func(context.Context) error{a.pauses.gated(pausedReceiver+m.Application, m.Run)},
	}
}

// alarm tells the contact of an application: by the log, and by mail where it has an
// address and the hub a mail server.
func (a *App) alarm(one webhook.Alarm) {
	log := a.log.Error
	if one.What == "recovered" {
		log = a.log.Warn
	}
	log("contact", zap.String("application", one.Application), zap.String("contact", one.Contact),
		zap.String("what", one.What), zap.String("code", one.Code))
	a.mail(&one)
	if a.cfg.Alarm != nil {
		a.cfg.Alarm(one.Application, one.Contact, one.What, one.Code)
	}
}

// recordOn writes what was done to an application's webhook to the trail.
func (a *App) recordOn(ctx context.Context, application, act, who, reason string) error {
	m, err := trail.Act(&decision.Act{
		Act: act, Application: application, Direction: decision.Out, Key: "webhook", Who: who, Reason: reason, At: time.Now().UTC(),
	})
	if err != nil {
		return err
	}
	_, err = a.bus.AppendUnguarded(ctx, []event.Message{m})
	return err
}
