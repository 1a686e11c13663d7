package federation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
	"github.com/amtsbote/amtsbote/hub/internal/where"
	"github.com/amtsbote/amtsbote/schemas"
)

// plan is how data of a type is cut; agreements that disclose the same fields
// share it.
type plan struct {
	cut    *disclose.Cut // nil: all fields, or errs
	errs   []error
	leaves []string // what is disclosed, down to single values
	// original is the first field with raw bytes, which hold every field.
	original string
}

// types checks the types, and for each the fields, the where and the address.
func (b *builder) types(d *draft) {
	in := d.file
	d.where = b.condition(in.Where)
	d.pointers = map[string]finding.Pos{}
	for _, p := range in.Disclose.Pointers {
		if p.At.Line == 0 {
			continue // has its finding
		}
		d.agreement.Disclose = append(d.agreement.Disclose, p.Value)
		if _, twice := d.pointers[p.Value]; !twice {
			d.pointers[p.Value] = p.At
		}
	}
	for i, t := range in.Types {
		d.agreement.Types = append(d.agreement.Types, t.Value)
		s, ok := b.fed.Schemas.Lookup(t.Value)
		switch {
		case !ok && (t.Value == "" || b.refused[t.Value]):
		case !ok:
			b.Add(t.At, finding.AgrType, t.Value)
		case slices.ContainsFunc(in.Types[:i], func(other strictyaml.Text) bool { return other.Value == t.Value }):
			b.Add(t.At, finding.YAMLValue, finding.Message{De: "jeder Ereignistyp einmal", En: "each event type once"})
		default:
			b.names(d, s)
			b.addresses(d, s)
			d.kinds = append(d.kinds, draftType{s, t.At, b.plan(d, s)})
		}
	}
}

func (b *builder) condition(in strictyaml.Text) *where.Expression {
	if in.At.Line == 0 {
		return nil
	}
	if w := b.wheres[in.Value]; w != nil {
		return w
	}
	w, err := where.Parse(in.Value)
	if err != nil {
		b.Add(in.At, finding.AgrWhere, whereMistake(err))
		return nil
	}
	b.wheres[in.Value] = w
	return w
}

// whereMistake says what is wrong with a where.
func whereMistake(err error) finding.Message {
	m, ok := errors.AsType[*where.Mistake](err)
	if !ok {
		return finding.Message{De: err.Error(), En: err.Error()}
	}
	say := func(de, en string, args ...any) finding.Message {
		return finding.Message{De: fmt.Sprintf(de, args...), En: fmt.Sprintf(en, args...)}
	}
	switch m.Kind {
	case where.Character:
		return say("das Zeichen %d versteht CESQL nicht", "CESQL does not understand character %d", m.Number)
	case where.TooLong:
		return say("länger als %d Zeichen", "longer than %d characters", m.Number)
	case where.TooDeep:
		return say("mehr als %d Klammern ineinander", "more than %d brackets within each other", m.Number)
	case where.Function:
		return say("eine Funktion %s mit %d Argumenten gibt es nicht", "there is no function %s with %d arguments", m.Name, m.Number)
	case where.NoTruth:
		return say("das ist nie wahr oder falsch", "this is never true or false")
	}
	return say("der Aufbau stimmt nicht", "its syntax is wrong")
}

// names checks that events of the type have what where looks at.
func (b *builder) names(d *draft, s *schemas.Schema) {
	if d.where == nil {
		return
	}
	for _, name := range d.where.Names {
		if !hasAttribute(s, name) && s.Bedingungen[name] == "" {
			b.Add(d.file.Where.At, finding.AgrWhereName, name, s.Type)
		}
	}
}

func hasAttribute(s *schemas.Schema, name string) bool {
	return schemas.CommonAttribute(name) || slices.Contains(s.Attributes, name)
}

// addresses checks that events of the type have what the addresses look at.
func (b *builder) addresses(d *draft, s *schemas.Schema) {
	for _, r := range d.receivers {
		if r.group != nil && r.address != "" {
			if _, ok := addressOf(r.address, s); !ok {
				b.Add(r.at, finding.AgrAddress, r.group.ID, s.Type, r.address)
			}
		}
	}
}

// addressOf reads an address: sender, the name of an attribute, or data. and the
// path of a field that the schema allows as one (x-adresse).
func addressOf(text string, s *schemas.Schema) (address, bool) {
	if text == "sender" {
		return address{sender: true}, true
	}
	path, ok := strings.CutPrefix(text, "data.")
	if !ok {
		return address{attribute: text}, hasAttribute(s, text)
	}
	pointer := "/" + strings.ReplaceAll(path, ".", "/")
	return address{pointer: pointer}, slices.ContainsFunc(s.Adressen, func(a schemas.Adresse) bool { return a.Pointer == pointer })
}

// plan gives the cut of a type, with a finding for each pointer that is wrong.
func (b *builder) plan(d *draft, s *schemas.Schema) *plan {
	key := s.ID + fmt.Sprintf("%q", d.agreement.Disclose) // quoted: a name may hold anything
	p := b.plans[key]
	if p == nil {
		p = b.newPlan(s, d.agreement.Disclose)
		b.plans[key] = p
	}
	for _, err := range p.errs {
		b.planProblem(d, s, err)
	}
	if p.original != "" {
		b.Add(d.pointerAt(p.original), finding.AgrOriginal, d.pointerOver(p.original))
	}
	return p
}

func (b *builder) newPlan(s *schemas.Schema, pointers []string) *plan {
	p := &plan{}
	if len(pointers) > 0 {
		p.cut, p.errs = disclose.Plan(s, pointers)
	}
	for _, f := range b.fieldsOf(s) {
		if !f.Leaf || p.cut != nil && !disclose.Covered(p.cut.Fields(), f.Pointer) {
			continue
		}
		p.leaves = append(p.leaves, f.Pointer)
		if p.cut != nil && p.original == "" && f.Datenkategorie == "original" {
			p.original = f.Pointer
		}
	}
	return p
}

// fieldsOf lists the fields of a schema, once for all agreements.
func (b *builder) fieldsOf(s *schemas.Schema) []schemas.Field {
	list, ok := b.fields[s]
	if !ok {
		list = s.Fields()
		b.fields[s] = list
	}
	return list
}

func (b *builder) planProblem(d *draft, s *schemas.Schema, err error) {
	p, ok := errors.AsType[*disclose.PointerError](err)
	switch {
	case ok && errors.Is(err, disclose.ErrUnknown):
		b.Add(d.pointerAt(p.Pointer), finding.AgrPointer, cmp.Or(p.Pointer, `""`), s.Type)
	case ok:
		b.Add(d.pointerAt(p.Pointer), finding.AgrNotDerivable, p.Pointer, s.Type, p.Keyword)
	default:
		b.Add(d.pointerAt(""), finding.AgrNotDerivable, "/", s.Type, err.Error())
	}
}

// pointerAt finds where a pointer stands, else the one over or below it.
func (d *draft) pointerAt(pointer string) finding.Pos {
	if at, ok := d.pointers[pointer]; ok {
		return at
	}
	for _, p := range d.file.Disclose.Pointers {
		if strings.HasPrefix(pointer, p.Value+"/") || strings.HasPrefix(p.Value, strings.TrimSuffix(pointer, "/")+"/") {
			return p.At
		}
	}
	if d.file.Disclose.At.Line == 0 {
		return d.at()
	}
	return d.file.Disclose.At
}

// pointerOver gives the pointer in the agreement that covers a field.
func (d *draft) pointerOver(pointer string) string {
	for _, p := range d.file.Disclose.Pointers {
		if p.Value == pointer || strings.HasPrefix(pointer, p.Value+"/") {
			return p.Value
		}
	}
	return pointer
}
