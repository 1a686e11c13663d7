package mend

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// TestCarriedOut: a target's cursor lags behind the last events when they brought
// nothing to it. They are not lost for that; one that it was to get is.
func TestCarriedOut(t *testing.T) {
	done := carried{decided: 10, floors: map[string]uint64{bus.Out: 6, bus.Quarantine: 10, bus.Parked: 4}}
	unrouted := &decision.Decision{Outcome: hub.Unrouted, Code: refusal.NoAgreement}
	routed := &decision.Decision{Outcome: hub.Routed, Receivers: []decision.Receiver{{}}}
	parked := &decision.Decision{Outcome: hub.Parked}
	for name, c := range map[string]struct {
		seq  uint64
		r    *record
		want bool
	}{
		"behind every cursor":                   {4, nil, true},
		"brought nothing to where it lags":      {10, &record{decisions: []*decision.Decision{unrouted}}, true},
		"its copies are not known to be stored": {7, &record{decisions: []*decision.Decision{routed}}, false},
		"its copies are":                        {6, &record{decisions: []*decision.Decision{routed}}, true},
		"parked, perhaps":                       {5, &record{decisions: []*decision.Decision{parked}}, false},
		"decided, then parked":                  {5, &record{decisions: []*decision.Decision{unrouted, parked}}, false},
		"nobody knows what it brought":          {5, &record{}, false},
		"no record at all":                      {5, nil, false},
		"not decided":                           {11, &record{decisions: []*decision.Decision{unrouted}}, false},
	} {
		if got := done.covers(c.seq, c.r); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
