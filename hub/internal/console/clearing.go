package console

import (
	"context"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
)

// Clearing is what the console asks the hub for to clear quarantine. Organisation is
// whose quarantine it is. A *quarantine.NotDone says why nothing was done.
type Clearing interface {
	// Clear does an act on one event.
	Clear(ctx context.Context, organisation string, r quarantine.Request) (quarantine.Outcome, error)
	// Try tells whether an event would pass now as it is; nil when it would.
	Try(ctx context.Context, organisation string, seq uint64) error
	// Cleared gives the act by which an event left quarantine and, when it was edited, the
	// message as it was; nil for none.
	Cleared(ctx context.Context, seq uint64) (*decision.Act, *event.Message, error)
	// StartRun has an act done to a group, StopRun ends that; Runs are those of now and the
	// last ones.
	StartRun(ctx context.Context, organisation string, r quarantine.RunRequest) error
	StopRun(ctx context.Context, organisation, name, who, reason string) error
	Runs(organisation string) []quarantine.Progress
	// QuarantineEnd is the last sequence in QUARANTINE.
	QuarantineEnd(ctx context.Context) (uint64, error)
	// Work is who looks after an event or a group; SetWork changes it.
	Work(ctx context.Context, name string) (quarantine.Work, error)
	SetWork(ctx context.Context, organisation string, r quarantine.WorkRequest) error
}
