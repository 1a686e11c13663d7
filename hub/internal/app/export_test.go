package app

import "github.com/amtsbote/amtsbote/hub/internal/bus"

// Bus is the hub's own connection.
func (a *App) Bus() *bus.Bus { return a.bus }
