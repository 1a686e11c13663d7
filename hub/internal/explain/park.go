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

func (p printer) parkedCopy(d *decision.Delivery) {
	why := d.Code
	if why == decision.CodeBehind {
		why = p.t("hinter einem früheren Ereignis desselben Schlüssels", "behind an earlier event of the same key")
	}
	p.line(p.t("  Stand", "  state"), p.t("geparkt seit %s: %s; ein Datensteward muss den Schlüssel freigeben oder zurückgeben", "parked since %s: %s; a steward must release or return the key"), stamp(d.At), why)
}
