package app

import (
	"slices"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/desk"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/mailbox"
	"github.com/amtsbote/amtsbote/hub/internal/webhook"
)

// desks plans the mailboxes of mode http.
func (a *App) desks(fed *federation.Federation, plans map[string]*plan) {
	for _, app := range fed.Applications() {
		if app.Mailbox == nil || app.Mailbox.Mode != federation.ModeHTTP {
			continue
		}
		name := "desk " + app.ID
		if a.units[name] != nil {
			plans[name] = nil // there is nothing to set
			continue
		}
		if a.cfg.HTTP == nil {
			a.log.Warn("an application fetches by HTTP, but the hub has no HTTP door: start it with --http", zap.String("application", app.ID))
		}
		d := desk.New(app.ID)
		p := a.boxPlan(&mailbox.Mailbox{
			Application: app.ID, Sink: d, Bus: a.bus, Blobs: a.blobs, Index: a.index, Recorder: a.recorder, Hands: a.hands,
			Attempts: a.attempts, Log: a.log.With(zap.String("desk", app.ID)), Turns: d.Turns, Confirmed: d.Confirmed,
			Concurrent: desk.AtOnce, Large: desk.Large,
		}, "")
		p.desk = d
		p.runs = append(p.runs, d.Run)
		plans[name] = p
	}
}

// desk finds where an application leases; nil: it has no mailbox of mode http here.
func (a *App) desk(application string) *desk.Desk {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if u := a.units["desk "+application]; u != nil {
		return u.desk
	}
	return nil
}

// outRoutes are what is asked by HTTP about events that go out.
func (a *App) outRoutes() []httpapi.Route {
	door := desk.Door{Desk: a.desk}
	return slices.Concat(door.Routes(), webhook.Routes(a.hook))
}
