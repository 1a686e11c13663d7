package who

import (
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// Try asks who gets the events of a directory's examples, and gives a finding for
// each application that gets something else than expected.
func Try(fed *federation.Federation, now time.Time) []finding.Finding {
	found := &finding.List{}
	for _, e := range fed.Examples {
		at := e.At
		if at.IsZero() {
			at = now
		}
		try(found, Ask(fed, e.Event, at), e)
	}
	return found.Sorted()
}

var (
	nothing = finding.Message{De: "nichts", En: "nothing"}
	all     = finding.Message{De: "alle Felder", En: "all fields"}
)

func try(found *finding.List, a *Answer, e *federation.Example) {
	if r := a.Refusal; r != nil {
		found.Add(e.EventAt, finding.ExmEvent, string(r.Code), r.At, r.Code.Sentence("de"), r.Code.Sentence("en"))
		return
	}
	got := map[string]Receiver{}
	for _, r := range a.Receivers {
		got[r.Application.ID] = r
		if _, expected := e.Expect[r.Application.ID]; !expected {
			found.Add(e.Place, finding.ExmExpect, r.Application.ID, r.what(), nothing)
		}
	}
	for id, want := range e.Expect {
		r, goes := got[id]
		switch {
		case !goes && !want.Nothing:
			found.Add(want.Place, finding.ExmExpect, id, nothing, expected(want))
		case goes && !fits(want, r):
			found.Add(want.Place, finding.ExmExpect, id, r.what(), expected(want))
		}
	}
}

// what a receiver gets, for people; block marks come with it and are not named.
func (r Receiver) what() finding.Message {
	if len(r.Cut) == 0 {
		return all
	}
	s := strings.Join(r.Clause.Agreement.Disclose, " ")
	return finding.Message{De: s, En: s}
}

func expected(want federation.Expected) finding.Message {
	switch {
	case want.All:
		return all
	case want.Nothing:
		return nothing
	}
	s := strings.Join(want.Fields, " ")
	return finding.Message{De: s, En: s}
}

// fits compares what is expected with what the receiver gets of this event.
func fits(want federation.Expected, r Receiver) bool {
	switch {
	case want.Nothing:
		return false
	case want.All:
		return len(r.Cut) == 0
	}
	marks := marksOf(r)
	for _, f := range r.Fields {
		if !disclose.Covered(want.Fields, f) && !slices.Contains(marks, f) {
			return false
		}
	}
	for _, f := range r.Cut {
		if disclose.Covered(want.Fields, f) {
			return false
		}
	}
	return true
}

// marksOf lists the fields that a receiver gets though the agreement does not
// name them: the block marks.
func marksOf(r Receiver) []string {
	var out []string
	for _, f := range r.Fields {
		if r.Clause.Cut != nil && !disclose.Covered(r.Clause.Agreement.Disclose, f) {
			out = append(out, f)
		}
	}
	return out
}
