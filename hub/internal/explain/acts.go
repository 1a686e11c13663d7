package explain

import (
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// acted takes in what a person had done to an event in quarantine.
func acted(m *event.Message, id string, byRef map[decision.Ref]*Event) error {
	a, err := trail.ReadAct(m)
	if err != nil || a.Cleared == nil || a.ID != id {
		return err
	}
	if e := byRef[a.Of]; e != nil {
		e.Acts = append(e.Acts, a)
	}
	return nil
}

// acts tells what stewards did to an event in quarantine.
func (p printer) acts(e *Event) {
	for _, a := range e.Acts {
		what := map[string]string{
			decision.ActQuarantineResubmit: p.t("unverändert erneut eingereicht", "sent again as it was"),
			decision.ActQuarantineEdit:     p.t("bearbeitet und erneut eingereicht", "edited and sent again"),
			decision.ActQuarantineReturn:   p.t("an den Absender zurückgegeben", "given back to the sender"),
			decision.ActQuarantineDiscard:  p.t("verworfen", "discarded"),
		}[a.Act]
		p.line(p.t("Klärungsfach", "quarantine"), p.t("%s  %s von %s: %s", "%s  %s by %s: %s"), stamp(a.At), what, a.Who, a.Reason)
		if a.Act == decision.ActQuarantineEdit {
			p.line("", p.t("Inhalt danach %s", "content then %s"), a.After)
		}
	}
}
