package console

import (
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
)

// attemptsView is what is known of the attempts at a copy.
type attemptsView struct {
	Each []decision.Attempt
	Next time.Time // before then there is no next one; zero: that is not known
	More bool      // of some there is only their number
}

// attempts are those at the copy of v.
func (q *request) attempts(e *explain.Event, v *receiverView) attemptsView {
	each := e.Attempts(v.Application, q.cfg.Hub.Attempts(e.Decision, v.Application))
	view := attemptsIn(each, v.Parked, v.Delivery)
	if n := len(each); n > 0 && v.Delivery == nil && v.Paused == nil && each[n-1].Next.After(q.now()) {
		view.Next = each[n-1].Next
	}
	return view
}

// attemptsIn are those of a copy with these outcomes.
func attemptsIn(each []decision.Attempt, outcomes ...*decision.Delivery) attemptsView {
	if len(each) > 0 {
		return attemptsView{Each: each, More: each[0].N > 1}
	}
	for _, d := range outcomes {
		if d != nil && d.Attempt > 1 {
			return attemptsView{More: true}
		}
	}
	return attemptsView{}
}
