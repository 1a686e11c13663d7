package app

import (
	"context"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
)

// Bus is the hub's own connection.
func (a *App) Bus() *bus.Bus { return a.bus }

// OutRoutes are what is asked by HTTP about events that go out.
func (a *App) OutRoutes() []httpapi.Route { return a.outRoutes() }

// FlushRefusals writes what was refused at the door to the trail now.
func (a *App) FlushRefusals(ctx context.Context) error { return a.door.refusals.Flush(ctx) }
