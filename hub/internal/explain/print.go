package explain

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Print writes the answer for people, in German ("de") or English.
func (a *Answer) Print(w io.Writer, lang string) {
	p := printer{w, lang}
	if len(a.Events) == 0 {
		p.notFound(a)
		return
	}
	for i, e := range a.Events {
		if i > 0 {
			fmt.Fprintln(w)
		}
		p.event(e)
	}
}

type printer struct {
	w    io.Writer
	lang string
}

func (p printer) t(de, en string) string {
	if p.lang == "de" {
		return de
	}
	return en
}

func (p printer) line(label, format string, args ...any) {
	fmt.Fprintf(p.w, "  %-14s %s\n", label, fmt.Sprintf(format, args...))
}

func (p printer) event(e *Event) {
	d := e.Decision
	fmt.Fprintf(p.w, "%s %s\n", p.t("Ereignis", "event"), d.ID)
	p.line(p.t("Typ", "type"), "%s", d.Type)
	p.line(p.t("Quelle", "source"), "%s", d.Source)
	if d.Case != "" {
		p.line(p.t("Vorgang", "case"), "%s", d.Case)
	}
	p.line(p.t("angenommen", "accepted"), "%s  %s %s %s, %s %d", stamp(d.Stored), p.t("von", "from"), d.Application, bracket(d.Authority), d.In, d.Seq)
	if d.Adapter != "" {
		p.line(p.t("Adapter", "adapter"), "%s", d.Adapter)
	}
	p.line(p.t("entschieden", "decided"), "%s  %s", stamp(d.Decided), p.outcome(d))
	p.parkedEvent(e)
	p.acts(e)
	if d.Federation != "" { // a person returned it
		p.line("", "%s %s", p.t("Verbundverzeichnis", "federation"), d.Federation)
	}
	p.line("", "%s sha256:%s", p.t("Inhalt", "content"), d.Digest)
	if !e.Removed.IsZero() {
		p.removedAt(e.Removed)
	}
	for i := range d.Receivers {
		p.receiver(e, &d.Receivers[i])
	}
	p.replayed(e)
}

func (p printer) outcome(d *decision.Decision) string {
	switch d.Outcome {
	case hub.Routed:
		return fmt.Sprintf(p.t("zugestellt an %d Eingangsfächer", "routed to %d mailboxes"), len(d.Receivers))
	case hub.Suppressed:
		return fmt.Sprintf(p.t("Doppel von %s %d, nichts erneut zugestellt", "duplicate of %s %d, nothing delivered again"), d.Of.In, d.Of.Seq)
	}
	if d.Outcome == hub.Parked {
		return fmt.Sprintf(p.t("geparkt: %s – %s", "parked: %s – %s"), d.Code, d.Code.Sentence(p.lang))
	}
	s := fmt.Sprintf(p.t("im Klärungsfach: %s – %s", "in quarantine: %s – %s"), d.Code, d.Code.Sentence(p.lang))
	if d.At != "" {
		s += fmt.Sprintf(p.t(" Stelle: %s", " At: %s"), d.At)
	}
	if d.Keyword != "" {
		s += " (" + d.Keyword + ")"
	}
	return s
}

func (p printer) receiver(e *Event, r *decision.Receiver) {
	fmt.Fprintf(p.w, "  -> %s %s\n", r.Application, bracket(r.Authority))
	p.line(p.t("  Regel", "  agreement"), "%s  %s", r.Agreement, r.Law)
	fields := p.t("alle", "all")
	if r.Cut() {
		fields = strings.Join(r.Fields, " ")
	}
	p.line(p.t("  Felder", "  fields"), "%s", fields)
	switch d := e.Delivery(r.Application); {
	case d == nil && e.ParkedAt(r.Application) != nil:
		p.parkedCopy(e.ParkedAt(r.Application))
	case d == nil:
		p.line(p.t("  Stand", "  state"), "%s", p.t("im Eingangsfach gespeichert, noch kein Ergebnis vermerkt", "stored in the mailbox, no outcome recorded yet"))
	case d.Result == decision.Done:
		p.line(p.t("  Stand", "  state"), p.t("übernommen %s, Versuch %d, nach %s", "done %s, attempt %d, after %s"), stamp(d.At), d.Attempt, e.Lasted(d))
	case d.Result == decision.Expired:
		p.expired(d)
	default:
		p.line(p.t("  Stand", "  state"), p.t("vom Empfänger abgelehnt %s: %s", "refused by the receiver %s: %s"), stamp(d.At), d.Code)
	}
	p.attempts(e, r.Application)
}

func (p printer) notFound(a *Answer) {
	fmt.Fprintf(p.w, p.t("Zu %q steht nichts im Nachweis: kein lesbares Ereignis mit dieser id wurde bestätigt. (Unlesbare liegen ohne id im Klärungsfach.)\n", "The trail holds nothing about %q: no readable event with this id was acknowledged. (Unreadable ones rest in quarantine without an id.)\n"), a.ID)
	if len(a.Latest) == 0 {
		fmt.Fprintln(p.w, p.t("Es gibt noch gar keine Ereignisse.", "There are no events at all yet."))
		return
	}
	fmt.Fprintln(p.w, p.t("Zuletzt angenommen:", "Last accepted:"))
	for _, d := range a.Latest {
		fmt.Fprintf(p.w, "  %s  %-24s %s %s\n", stamp(d.Stored), d.In, d.Application, d.Type)
	}
}

func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05.000Z07:00") }

func bracket(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}
