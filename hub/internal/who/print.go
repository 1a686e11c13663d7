package who

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/schemas"
)

// Print writes the answer for people, in German ("de") or English. Applications
// of which no agreement speaks are counted, and named with all.
func (a *Answer) Print(w io.Writer, lang string, all bool) {
	p := &printer{w: w, lang: lang, schema: a.Schema}
	p.head(a)
	if a.Refusal != nil {
		p.line("%s %s%s. %s", p.t("abgelehnt:", "refused:"), a.Refusal.Code, p.place(a.Refusal), a.Refusal.Code.Sentence(lang))
		return
	}
	if len(a.Receivers) == 0 {
		p.line("%s", p.t("Niemand bekommt es; es bliebe im Klärungsfach.", "Nobody gets it; it would rest in quarantine."))
	}
	for _, r := range a.Receivers {
		p.receiver(r)
	}
	p.others(a.Others, all)
	if !all {
		p.unnamed(a.Others, p.t(" (--all nennt sie)", " (--all names them)"))
	}
}

// PrintOthers writes why those got nothing of whom an agreement speaks.
func (a *Answer) PrintOthers(w io.Writer, lang string) {
	p := &printer{w: w, lang: lang, schema: a.Schema}
	p.others(a.Others, false)
	p.unnamed(a.Others, "")
}

type printer struct {
	w      io.Writer
	lang   string
	schema *schemas.Schema
}

func (p *printer) t(de, en string) string {
	if p.lang == "de" {
		return de
	}
	return en
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

func (p *printer) item(label, format string, args ...any) {
	fmt.Fprintf(p.w, "   %-16s %s\n", label, fmt.Sprintf(format, args...))
}

func (p *printer) head(a *Answer) {
	if a.ID == "" && a.Type == "" {
		return // it could not be read
	}
	p.line("%s %s", p.t("Ereignis", "event"), finding.Clean(a.ID))
	title := finding.Clean(a.Type)
	if p.schema != nil {
		title += "  " + p.t(p.schema.Title, p.schema.TitleEn)
	}
	p.item(p.t("Typ", "type"), "%s", title)
	if a.Sender != nil {
		p.item(p.t("Absender", "sender"), "%s (%s), %s", a.Sender.ID, a.Authority, a.Sender.Title)
	}
	p.item(p.t("Zeitpunkt", "time"), "%s", a.At.Format("2006-01-02 15:04:05Z07:00"))
	if len(a.Blocks) > 0 {
		p.item(p.t("Sperren", "blocks"), "%s", strings.Join(a.Blocks, ", "))
		p.item("", "%s", p.t("Eine Sachbearbeiterin oder ein Sachbearbeiter der absendenden Behörde muss entscheiden, an wen es darüber hinaus gehen darf.",
			"A clerk of the sending authority must decide to whom else it may go."))
	}
	p.line("")
}

func (p *printer) place(r *refusal.Refusal) string {
	s := ""
	if r.At != "" {
		s = p.t(", Stelle ", " at ") + r.At
	}
	if r.Keyword != "" {
		s += " (" + r.Keyword + ")"
	}
	return s
}

func (p *printer) receiver(r Receiver) {
	a := r.Clause.Agreement
	p.line("-> %s (%s), %s", r.Application.ID, r.Authority, r.Application.Title)
	p.item(p.t("Regel", "agreement"), "%s: %s", a.ID, a.Title)
	p.item(p.t("Recht", "law"), "%s (%s), %s%s", a.Law.Norm, a.Law.Key, p.t(a.Law.Title, a.Law.TitleEn), p.unchecked(a))
	p.item(p.t("Zweck", "purpose"), "%s%s", a.Purpose, p.activity(a))
	if a.Sperren != nil {
		p.item(p.t("Sperren", "blocks"), p.t("mit Kennzeichen zugelassen nach %s", "admitted with the mark under %s"), a.Sperren.Norm)
	}
	if a.WithoutTransport != "" {
		p.item(p.t("Transport", "transport"), p.t("%s entfällt: %s", "without %s: %s"), a.Law.Transport, a.WithoutTransport)
	}
	p.fields(p.t("bekommt", "gets"), r.Fields)
	if len(r.Cut) > 0 {
		p.fields(p.t("bekommt nicht", "does not get"), r.Cut)
		p.item("dataschema", "%s", r.Clause.DataSchema)
	}
	p.line("")
}

func (p *printer) unchecked(a *federation.Agreement) string {
	if !a.Unchecked() {
		return ""
	}
	return p.t("  [Wortlaut ungeprüft]", "  [wording not checked]")
}

func (p *printer) activity(a *federation.Agreement) string {
	if a.Activity == "" {
		return ""
	}
	return p.t("  (Verarbeitungstätigkeit ", "  (processing activity ") + a.Activity + ")"
}

// fields names each field by its title, with the pointer.
func (p *printer) fields(label string, pointers []string) {
	fields := p.schema.Fields()
	for _, pointer := range pointers {
		title := ""
		for _, f := range fields {
			if f.Pointer == pointer {
				title = p.title(fields, f)
			}
		}
		fmt.Fprintf(p.w, "   %-16s %s\n", label, strings.TrimSpace(fmt.Sprintf("%-46s %s", pointer, title)))
		label = ""
	}
}

// title is the field's own, after that of the field it stands in.
func (p *printer) title(fields []schemas.Field, f schemas.Field) string {
	own := p.t(f.Title, f.TitleEn)
	parent := f.Pointer[:strings.LastIndexByte(f.Pointer, '/')]
	i := slices.IndexFunc(fields, func(g schemas.Field) bool { return g.Pointer == parent })
	if i < 0 || own == "" {
		return own
	}
	return p.t(fields[i].Title, fields[i].TitleEn) + ": " + own
}

func (p *printer) others(list []Other, everybody bool) {
	p.line("%s", p.t("Alle anderen bekommen nichts:", "All others get nothing:"))
	for _, o := range list {
		if o.Clause != nil || everybody {
			reason := o.Reason()
			p.line("   %-32s %s", o.Application.ID, p.t(reason.De, reason.En))
		}
	}
}

// unnamed counts the applications of which no agreement speaks.
func (p *printer) unnamed(list []Other, hint string) {
	n := 0
	for _, o := range list {
		if o.Clause == nil {
			n++
		}
	}
	if n > 0 {
		p.line("   "+p.t("%d weitere Fachverfahren: keine Übermittlungsregel für diesen Absender und Ereignistyp%s",
			"%d more applications: no agreement for this sender and event type%s"), n, hint)
	}
}
