package console

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// TestWasTold: a receiver's steward finds by what was disclosed to it, whoever else had
// more.
func TestWasTold(t *testing.T) {
	t.Parallel()
	steward := &person{grants: []*federation.ConsoleGrant{{Role: federation.ConsoleSteward, Organisation: "beta", Sight: federation.SightMetadata}}}
	q := &request{person: steward}
	to := func(application string, fields ...string) decision.Receiver {
		return decision.Receiver{Application: application, Fields: fields}
	}
	for name, one := range map[string]struct {
		to   []decision.Receiver
		want bool
	}{
		"the field":        {[]decision.Receiver{to("beta.one", "/n", "/akte/zeichen")}, true},
		"its parent":       {[]decision.Receiver{to("beta.one", "/akte")}, true},
		"all":              {[]decision.Receiver{to("beta.one")}, true},
		"another field":    {[]decision.Receiver{to("beta.one", "/akte/zeichenfolge", "/ak")}, false},
		"somebody else":    {[]decision.Receiver{to("gamma.two"), to("beta.one", "/n")}, false},
		"one of two":       {[]decision.Receiver{to("beta.one", "/n"), to("beta.two")}, true},
		"no receiver here": {[]decision.Receiver{to("gamma.two")}, false},
	} {
		e := &explain.Event{Decision: &decision.Decision{Receivers: one.to}}
		if got := q.wasTold(e, "/akte/zeichen"); got != one.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	hit := &search.Hit{Event: search.Event{In: "IN_alpha", ID: "e", Receivers: []string{"beta.one"}}, Pointer: search.AttributePlace + "subject"}
	if sees, err := q.seesTerm(hit); sees || err != nil {
		t.Error("by an attribute:", sees, err)
	}
	hit.In = "IN_beta"
	if sees, err := q.seesTerm(hit); !sees || err != nil {
		t.Error("its own event:", sees, err)
	}
}
