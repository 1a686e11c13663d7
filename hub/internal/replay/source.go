package replay

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// place is how far the decisions in the trail were looked at: all before message seq,
// and the first part of those that it holds.
type place struct {
	seq  uint64
	part int
}

// candidate is a copy that was decided once.
type candidate struct {
	after                        place // what is looked at with it
	of                           decision.Ref
	id, source, typ, application string
	authority                    string
	stored                       time.Time
}

// clocks is how far a server's clock may be set back between two writes.
const clocks = time.Minute

// start is where the decisions of a scope begin in the trail.
func (e *Engine) start(ctx context.Context, scope *decision.ReplayScope, upTo uint64) (place, error) {
	seq, err := e.Bus.Since(ctx, bus.Trail, scope.From.Add(-clocks), upTo)
	return place{seq: seq}, err
}

// errPage ends a reading, errStop one that is wanted no more.
var (
	errPage = errors.New("the page is read")
	errStop = errors.New("not wanted any more")
)

// page reads candidates from a place on, in the order in which they were decided, which
// is that of their keys: at most so many. next is where the following page begins; at
// the end it lies behind upTo. With stop true it ends with errStop.
func (e *Engine) page(ctx context.Context, scope *decision.ReplayScope, from place, upTo uint64, most int, stop func() bool) (out []candidate, next place, err error) {
	next = place{seq: upTo + 1}
	if from.seq > upTo {
		return nil, next, nil
	}
	take := func(m *event.Message) error {
		switch {
		case m.Seq > upTo:
			return errPage
		case stop():
			return errStop
		}
		ds, err := trail.ReadDecisions(m)
		if err != nil { // it would be no better the next time
			e.Log.Error("a replay passes over a record of the trail that cannot be read", zap.Uint64("trail", m.Seq))
			return nil
		}
		for i, d := range ds {
			if m.Seq == from.seq && i < from.part || d.Outcome != hub.Routed || !scope.Holds(d) {
				continue
			}
			if len(out) == most {
				next = out[len(out)-1].after
				return errPage
			}
			out = append(out, candidate{
				after: place{m.Seq, i + 1}, of: decision.Ref{In: d.In, Seq: d.Seq}, id: d.ID, source: d.Source, typ: d.Type,
				application: d.Application, authority: d.Authority, stored: d.Stored,
			})
		}
		return nil
	}
	if err = e.Bus.Often(ctx, bus.Trail, from.seq, decisionsOf(scope.Sender), take); errors.Is(err, errPage) {
		err = nil
	}
	return out, next, err
}

// decisionsOf is where decisions about what a sender sends stand; "" is anybody.
func decisionsOf(sender string) []string {
	org, _, ok := strings.Cut(sender, ".")
	if !ok {
		return []string{"trail." + decision.KindDecision + ".>"}
	}
	return []string{
		"trail." + decision.KindDecision + "." + bus.InStream(org) + ".>",
		"trail." + decision.KindDecision + "." + bus.EdgeStream(org) + ".>",
	}
}
