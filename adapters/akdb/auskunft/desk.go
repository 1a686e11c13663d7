package auskunft

import (
	"context"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/desk"
	"github.com/amtsbote/amtsbote/hub"
)

// Desk keeps answers on disk, for sinks whose answers are no events yet.
type Desk = desk.Desk

// OpenDesk opens the desk of a folder.
func OpenDesk(dir string) (*Desk, error) { return desk.Open(dir) }

// ID names the one answer to a delivery.
func ID(d hub.Delivery) string { return desk.ID(d) }

// Tend forgets old marks once a day until ctx ends.
func (c Config) Tend(ctx context.Context, log *zap.Logger) { desk.Tend(ctx, c.Dir, log) }
