package explain

import "github.com/amtsbote/amtsbote/hub/internal/decision"

// ParkedAt tells when and why the copy for a receiver was parked first; nil if
// it never was.
func (e *Event) ParkedAt(application string) *decision.Delivery {
	for _, d := range e.Parked {
		if d.Mailbox == application {
			return d
		}
	}
	return nil
}

// parkedEvent tells how an event came to be parked and what became of it then.
func (p printer) parkedEvent(e *Event) {
	for _, d := range e.Before {
		p.line(p.t("  zuvor", "  before"), "%s  %s", stamp(d.Decided), p.outcome(d))
	}
	if ref := e.Decision.Released; ref != nil {
		p.line("", p.t("war geparkt, angenommen als %s %d", "was parked, accepted as %s %d"), ref.In, ref.Seq)
	}
	if ref := e.Continued; ref != nil {
		p.line("", p.t("freigegeben, weiter als %s %d", "released, goes on as %s %d"), ref.In, ref.Seq)
	}
}

func (p printer) parkedCopy(d *decision.Delivery) {
	why := d.Code
	if why == decision.CodeBehind {
		why = p.t("hinter einem früheren Ereignis desselben Schlüssels", "behind an earlier event of the same key")
	}
	p.line(p.t("  Stand", "  state"), p.t("geparkt seit %s: %s; ein Datensteward muss den Schlüssel freigeben oder zurückgeben", "parked since %s: %s; a steward must release or return the key"), stamp(d.At), why)
}
