package app

import (
	"context"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/console"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
)

// Bus is the hub's own connection.
func (a *App) Bus() *bus.Bus { return a.bus }

// OutRoutes are what is asked by HTTP about events that go out.
func (a *App) OutRoutes() []httpapi.Route { return a.outRoutes() }

// FlushRefusals writes what was refused at the door to the trail now.
func (a *App) FlushRefusals(ctx context.Context) error { return a.door.refusals.Flush(ctx) }

// Pause is what the console has done, in a request.
func (a *App) Pause(ctx context.Context, r console.PauseRequest) error { return a.pause(ctx, r) }

// Paused tells of the pause of a mailbox, nil for none.
func (a *App) Paused(application string) *console.Pause { return a.pausedMailbox(application) }
