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
	More bool      // of earlier ones there is only their number
}

func (q *request) attempts(e *explain.Event, v *receiverView) (out attemptsView) {
	out.Each = e.Attempts(v.Application, q.cfg.Hub.Attempts(e.Decision, v.Application))
	made, first := 0, 1
	for _, d := range []*decision.Delivery{v.Parked, v.Delivery} {
		if d != nil && d.Code != decision.CodeBehind && d.Code != decision.CodeReturned {
			made = max(made, d.Attempt)
		}
	}
	if n := len(out.Each); n > 0 {
		made, first = max(made, out.Each[n-1].N), out.Each[0].N
		if next := out.Each[n-1].Next; v.Delivery == nil && v.Paused == nil && next.After(q.now()) {
			out.Next = next
		}
	}
	out.More = first > 1 || made > 1 && len(out.Each) == 0
	return out
}
