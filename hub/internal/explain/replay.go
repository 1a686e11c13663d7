package explain

import (
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// Replayed is what a replay decided about an event.
type Replayed struct {
	*decision.Replayed
	// Delivery is what became of the copy; nil when nothing is recorded yet, or none went.
	// decision.Parked is followed by another.
	Delivery *decision.Delivery
}

func replayed(m *event.Message, id string, byRef map[decision.Ref]*Event) error {
	d, err := trail.ReadReplayed(m)
	if err != nil || d.ID != id {
		return err
	}
	e := byRef[d.Place()]
	if e == nil {
		return nil
	}
	if known := e.replay(d.Run); known != nil { // it was to go, and could not
		known.Replayed = d
		return nil
	}
	e.Replayed = append(e.Replayed, &Replayed{Replayed: d})
	return nil
}

func (e *Event) replay(run string) *Replayed {
	for _, r := range e.Replayed {
		if r.Run == run {
			return r
		}
	}
	return nil
}

// endReplay takes in what became of a copy that a replay brought; the first end counts.
func (e *Event) endReplay(d *decision.Delivery) {
	if r := e.replay(d.Replay); r != nil && (r.Delivery == nil || r.Delivery.Result == decision.Parked) {
		r.Delivery = d
	}
}

// replayed tells what replays decided.
func (p printer) replayed(e *Event) {
	for _, r := range e.Replayed {
		p.line(p.t("Wiederholung", "replay"), "%s  %s %s: %s", stamp(r.At), p.t("an", "to"), r.Mailbox, VerdictSentence(r.Verdict, p.lang))
		if r.Receiver != nil {
			p.line(p.t("  Regel", "  agreement"), "%s  %s", r.Receiver.Agreement, r.Receiver.Law)
		}
		if d := r.Delivery; d != nil {
			p.line(p.t("  Stand", "  state"), "%s  %s %s", stamp(d.At), p.result(d.Result), d.Code)
		}
	}
}

func (p printer) result(r decision.Result) string {
	switch r {
	case decision.Done:
		return p.t("übernommen", "done")
	case decision.Refused:
		return p.t("vom Empfänger abgelehnt", "refused by the receiver")
	case decision.Expired:
		return p.t("verfallen", "expired")
	}
	return p.t("geparkt", "parked")
}

// VerdictSentence says in German ("de") or English what a replay decided about a copy.
func VerdictSentence(v decision.ReplayVerdict, lang string) string {
	s := verdicts[v]
	if lang == "de" {
		return s[0]
	}
	return s[1]
}

var verdicts = map[decision.ReplayVerdict][2]string{
	decision.ReplayGoes:        {"geht erneut in das Eingangsfach", "goes to the mailbox again"},
	decision.ReplayNoAgreement: {"keine Übermittlungsregel dafür ist mehr in Kraft", "no agreement for it is in force any more"},
	decision.ReplayNotAdmitted: {"nach den Übermittlungsregeln, die jetzt in Kraft sind, geht es nicht", "it does not go by the agreements in force now"},
	decision.ReplayBeyondKeep:  {"älter als die Aufbewahrung seines Typs", "older than its type is kept"},
	decision.ReplayRemoved:     {"der Inhalt wurde entfernt", "the payload was removed"},
	decision.ReplayNoReceiver:  {"der Empfänger oder sein Eingangsfach steht nicht mehr im Verbundverzeichnis", "the receiver or its mailbox has left the federation directory"},
	decision.ReplayInvalid:     {"heute würde das Ereignis nicht mehr angenommen", "today the event would not be accepted any more"},
}
