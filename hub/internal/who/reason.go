package who

import (
	"fmt"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/flow/route"
)

// Reason says why an application gets nothing.
func (o Other) Reason() finding.Message {
	if o.Clause == nil {
		return finding.Message{De: "keine Übermittlungsregel für diesen Absender und Ereignistyp", En: "no agreement for this sender and event type"}
	}
	a := o.Clause.Agreement
	say := func(de, en string, args ...any) finding.Message {
		return finding.Message{De: a.ID + ": " + fmt.Sprintf(de, args...), En: a.ID + ": " + fmt.Sprintf(en, args...)}
	}
	if o.Content {
		return say("ob sie gilt, hängt vom Inhalt ab", "whether it applies depends on the content")
	}
	switch o.Verdict {
	case route.OtherSender:
		return say("der Absender ist kein Mitglied der Gruppe %s", "the sender is no member of the group %s", o.Clause.FromGroup.ID)
	case route.NotInForce:
		return say("gilt nur %s", "in force only %s", span(a.Valid))
	case route.Blocked:
		return say("lässt Ereignisse mit dieser Sperre nicht zu", "does not let events with this block pass")
	case route.Classified:
		return say("die Einstufung (dataclassification) ist höher als erlaubt", "the dataclassification is higher than allowed")
	case route.WhereFalse:
		return say("die Bedingung %q ist nicht erfüllt", "the condition %q does not hold", a.Where)
	case route.WhereFailed:
		return say("die Bedingung %q lässt sich nicht auswerten, zum Beispiel weil eine Angabe fehlt", "the condition %q cannot be evaluated, for example since a value is missing", a.Where)
	case route.NoAddressee:
		return say("die Adresse nennt kein Mitglied der Gruppe, an das es gehen darf", "the address names no member of the group that may have it")
	case route.HasIt:
		return say("der Empfänger bekommt es schon nach einer anderen Regel", "the receiver gets it by another agreement already")
	case Another:
		return say("die Adresse nennt ein anderes Mitglied der Gruppe %s", "the address names another member of the group %s", o.Clause.ToGroup.ID)
	}
	return say("gilt nicht", "does not apply")
}

func span(v federation.Validity) string {
	if v.Until.IsZero() {
		return v.From.String() + " –"
	}
	return v.From.String() + " – " + v.Until.String()
}
