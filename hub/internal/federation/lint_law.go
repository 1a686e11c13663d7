package federation

import (
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/recht"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// law takes over a norm that the directory adds to the list.
func (b *builder) law(file string, raw []byte) {
	l := recht.Read(b.List, b.fed.Schemas, file, raw)
	if l == nil {
		return
	}
	if _, taken := b.fed.Laws[l.Key]; taken {
		b.Add(finding.Pos{File: file, Line: 1, Column: 1}, finding.LawTaken, l.Key)
		return
	}
	b.fed.Laws[l.Key] = l
}

// laws checks an agreement against its norms.
func (b *builder) laws(d *draft) {
	a, in := d.agreement, d.file
	a.Law = b.norm(in.Law)
	a.Sperren = b.norm(in.Sperren.Law)
	a.WithoutTransport = strings.TrimSpace(in.OhneTransport.Value)
	if a.Sperren != nil && len(a.Sperren.Blocks) == 0 {
		b.Add(in.Sperren.Law.At, finding.LawBlocks, a.Sperren.Key)
	}
	if strings.TrimSpace(in.Law.Value) == "" {
		at := in.Law.At
		if at.Line == 0 {
			at = d.at()
		}
		b.Add(at, finding.AgrLaw)
	}
	if a.Law == nil {
		return
	}
	b.checked(d)
	b.transfers(d)
	b.offices(d)
	b.transport(d)
	b.lawFields(d)
}

func (b *builder) norm(in strictyaml.Text) *recht.Law {
	key := strings.TrimSpace(in.Value)
	l := b.fed.Laws[key]
	if key != "" && l == nil {
		similar := strings.Join(b.fed.Laws.Similar(key), ", ")
		if similar == "" {
			similar = "–"
		}
		b.Add(in.At, finding.LawUnknown, key, similar)
	}
	return l
}

func (b *builder) checked(d *draft) {
	in := d.file
	for _, one := range []struct {
		law *recht.Law
		at  finding.Pos
	}{{d.agreement.Law, in.Law.At}, {d.agreement.Sperren, in.Sperren.Law.At}} {
		if one.law != nil && one.law.Checked == "" && !in.Ungeprueft {
			b.Add(one.at, finding.LawUnchecked, one.law.Key, one.law.Unchecked)
		}
	}
	if in.Ungeprueft && !d.agreement.Unchecked() {
		b.Add(in.Law.At, finding.LawNeedless, d.agreement.Law.Key, d.agreement.Law.Checked)
	}
}

var transferNames = map[recht.Transfer]finding.Message{
	recht.WithinUnit:   {De: "nur innerhalb derselben Verwaltungseinheit", En: "only within the same administrative unit"},
	recht.BetweenUnits: {De: "nur an eine andere Verwaltungseinheit", En: "only to another administrative unit"},
}

// transfers checks the pairs that are fixed; where a group takes part, routing
// asks the norm for each event.
func (b *builder) transfers(d *draft) {
	law := d.agreement.Law
	for _, from := range d.senders {
		for _, to := range d.receivers {
			fixed := from.group == nil && to.group == nil
			never := to.address == "sender" && law.Transfer == recht.BetweenUnits
			if never || fixed && !law.Covers(b.fed.Unit(from.authority), b.fed.Unit(to.authority)) {
				b.Add(to.at, finding.LawTransfer, law.Key, transferNames[law.Transfer], from.name(), to.name())
			}
		}
	}
}

func (s side) name() string {
	if s.group != nil {
		return s.group.ID
	}
	return s.app.ID + " (" + s.authority + ")"
}

// applications lists who a side is.
func (s side) applications() []*Application {
	if s.group != nil {
		return s.group.Applications
	}
	return []*Application{s.app}
}

var (
	asSender   = finding.Message{De: "Absender", En: "sender"}
	asReceiver = finding.Message{De: "Empfänger", En: "receiver"}
	noOffice   = finding.Message{De: "ohne Angabe (office)", En: "of none given (office)"}
)

func (b *builder) offices(d *draft) {
	law := d.agreement.Law
	for _, s := range d.senders {
		b.office(s, law, law.From, asSender)
	}
	for _, s := range d.receivers {
		b.office(s, law, law.To, asReceiver)
	}
}

func (b *builder) office(s side, law *recht.Law, allowed []string, role finding.Message) {
	if len(allowed) == 0 {
		return
	}
	for _, app := range s.applications() {
		if slices.Contains(allowed, app.Office) {
			continue
		}
		var is any = app.Office
		if app.Office == "" {
			is = noOffice
		}
		b.Add(s.at, finding.LawOffice, law.Key, role, strings.Join(allowed, ", "), app.ID, is)
		return // one of a group is enough to see what is meant
	}
}

// transport: where a norm prescribes one, only the hand-over to it may receive,
// unless the agreement names the exception that the norm allows.
func (b *builder) transport(d *draft) {
	law := d.agreement.Law
	if law.Transport == "" || d.agreement.WithoutTransport != "" {
		return
	}
	for _, s := range d.receivers {
		for _, app := range s.applications() {
			if app.Transport != law.Transport {
				b.Add(s.at, finding.LawTransport, law.Key, law.Transport, app.ID)
				break
			}
		}
	}
}

// lawFields holds the fields to those that the norm names, block marks apart.
func (b *builder) lawFields(d *draft) {
	law := d.agreement.Law
	for _, t := range d.kinds {
		if _, limited := law.Fields[t.schema.Type]; !limited {
			continue
		}
		for _, leaf := range t.plan.leaves {
			if law.Names(t.schema.Type, leaf) || b.isMark(t, leaf) {
				continue
			}
			b.Add(d.pointerAt(leaf), finding.LawField, law.Key, leaf, t.schema.Type, strings.Join(law.Fields[t.schema.Type], " "))
			break
		}
	}
}

func (b *builder) isMark(t draftType, pointer string) bool {
	for _, s := range t.schema.Sperren {
		if pointer == s.Pointer || strings.HasPrefix(pointer, s.Pointer+"/") {
			return true
		}
	}
	return false
}
