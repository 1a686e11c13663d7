package flow

import (
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// made are the copies of an event, or why they cannot be made; neither: they were not yet.
type made struct {
	copies []event.Message
	err    error
}

// earlyFrom is how many events it takes until another goroutine is worth it.
const earlyFrom = 16

// early makes the copies of the first portion while the decisions are being written, and
// waits for them when it is called. They go nowhere before that is done.
func (l *Lane) early(ds []*decision.Decision, msgs []*event.Message) (ready func() []made) {
	if len(ds) < earlyFrom {
		return func() []made { return nil }
	}
	out, done := make([]made, portion(ds, msgs)), make(chan struct{})
	go func() {
		defer close(done)
		for i := range out {
			if e := msgs[i].Read; e != nil && ds[i].Outcome == hub.Routed {
				out[i].copies, out[i].err = l.copies(ds[i], e)
			}
		}
	}()
	return func() []made {
		<-done
		return out
	}
}

// of gives what was made of event i; nothing if that was not its turn.
func of(some []made, i int) (one made) {
	if i < len(some) {
		one = some[i]
	}
	return one
}
