package explain

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Attempts are the attempts at the copy for a receiver, the oldest first: those that stand
// in the trail with its outcome and where it was parked, and known, which the hub remembers.
func (e *Event) Attempts(application string, known []decision.Attempt) []decision.Attempt {
	all := slices.Clone(known) // first: they tell when the next is due
	for _, d := range slices.Concat(e.Parked, e.Deliveries) {
		if d.Mailbox == application {
			all = append(all, d.Attempts...)
		}
	}
	slices.SortStableFunc(all, func(a, b decision.Attempt) int { return a.At.Compare(b.At) })
	return slices.CompactFunc(all, func(a, b decision.Attempt) bool { return a.N == b.N && a.At.Equal(b.At) })
}

func (p printer) attempts(e *Event, application string) {
	for _, a := range e.Attempts(application, nil) {
		came := a.Code
		if came == "" {
			came = p.t("übernommen", "done")
		}
		p.line(p.t("  Versuch", "  attempt"), "%d  %s  %s", a.N, stamp(a.At), came)
	}
}
