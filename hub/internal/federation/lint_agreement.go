package federation

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/disclose"
	"github.com/amtsbote/amtsbote/schemas"
)

var (
	agreementPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	digestPattern    = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// agreement checks and takes over one agreement's file.
func (b *builder) agreement(file string, in *agreementFile) {
	id := in.ID.Value
	if id != "" && !agreementPattern.MatchString(id) {
		b.add(in.ID.At, AgrName, id)
	}
	if first := b.agreements[id]; first != nil {
		b.add(in.ID.At, AgrTwice, id, first.File)
		return
	}
	a := &Agreement{
		ID: id, Title: in.Title.Value, Law: in.Law.Value, Purpose: in.Purpose.Value, Activity: in.Activity.Value,
		Where: in.Where.Value, Sperren: in.Sperren.Law, File: file,
		Valid: Validity{From: in.Valid.From.Day, Until: in.Valid.Until.Day},
	}
	b.agreements[id] = a
	b.fed.Agreements = append(b.fed.Agreements, a)
	d := &draft{agreement: a, file: in, at: Pos{file, 1, 1}}
	b.drafts = append(b.drafts, d)
	b.parties(d)
	b.terms(d)
	b.types(d)
}

// draft is an agreement on its way to clauses.
type draft struct {
	agreement *Agreement
	file      *agreementFile
	at        Pos
	senders   []side
	receivers []side
	kinds     []draftType
	where     *where
}

// side is a party whose application is known.
type side struct {
	app       *Application
	authority string
}

// draftType is a type that is known, with its cut.
type draftType struct {
	schema *schemas.Schema
	at     Pos
	cut    *disclose.Cut
}

func (b *builder) parties(d *draft) {
	for _, in := range d.file.From {
		if s, ok := b.party(in); ok {
			d.senders = append(d.senders, s)
			d.agreement.From = append(d.agreement.From, Party{s.app.ID, s.authority})
			if b.organisations[s.app.Organisation].actsFor(s.authority) && !sendsFor(s) {
				b.add(in.Authority.At, AgrSilent, s.app.ID, s.authority)
			}
		}
	}
	for _, in := range d.file.To {
		if s, ok := b.party(in.Party); ok {
			d.receivers = append(d.receivers, s)
			d.agreement.To = append(d.agreement.To, Party{s.app.ID, s.authority})
			if s.app.Mailbox == nil {
				b.add(in.Party.Application.At, AgrMailbox, s.app.ID)
			}
		}
	}
}

func sendsFor(s side) bool {
	for _, p := range s.app.Sources {
		if p.Authority == s.authority {
			return true
		}
	}
	return false
}

// party finds application and authority of one side.
func (b *builder) party(in fromFile) (side, bool) {
	id, authority := in.Application.Value, in.Authority.Value
	app := b.fed.applications[id]
	if id != "" && app == nil {
		b.add(in.Application.At, AgrApplication, id)
	}
	if authority != "" {
		b.known(in.Authority, app)
	}
	return side{app, authority}, app != nil && authority != ""
}

// known looks for an authority anywhere, or on the list of app's organisation.
func (b *builder) known(authority Text, app *Application) {
	switch {
	case !b.authorities[authority.Value]:
		b.add(authority.At, AgrAuthority, authority.Value)
	case app != nil && b.organisations[app.Organisation].lacks(authority.Value):
		b.add(authority.At, AgrNotOnList, authority.Value, app.Organisation)
	}
}

// terms checks law, validity, retention and approvals.
func (b *builder) terms(d *draft) {
	a, in := d.agreement, d.file
	if strings.TrimSpace(a.Law) == "" {
		at := in.Law.At
		if at.Line == 0 {
			at = d.at
		}
		b.add(at, AgrLaw)
	}
	if in.Retain.Value != "" {
		var err error
		if a.Retain, err = schemas.Period(in.Retain.Value); err != nil || a.Retain == 0 {
			b.add(in.Retain.At, YAMLValue, "P14D")
		}
	}
	switch v := a.Valid; {
	case v.From.IsZero() || v.Until.IsZero():
	case v.Until.start(0).Before(v.From.start(0)):
		b.add(in.Valid.Until.At, AgrValidity, v.Until, v.From)
	case !time.Now().Before(v.Until.start(1)):
		b.add(in.Valid.Until.At, AgrExpired, v.Until)
	}
	for _, one := range in.Approved {
		b.approval(d, one)
	}
}

func (b *builder) approval(d *draft, in approvalFile) {
	if in.Authority.Value != "" {
		b.known(in.Authority, nil)
	}
	if in.Digest.Value != "" && !digestPattern.MatchString(in.Digest.Value) {
		b.add(in.Digest.At, YAMLValue, "sha256:…")
	}
	d.agreement.Approved = append(d.agreement.Approved, Approval{in.Authority.Value, in.On.Day, in.Ref.Value, in.Digest.Value})
}

// types checks the types, and for each the fields and the where.
func (b *builder) types(d *draft) {
	in := d.file
	if in.Where.At.Line > 0 {
		var err error
		if d.where, err = parseWhere(in.Where.Value); err != nil {
			b.add(in.Where.At, AgrWhere, err.Error())
		}
	}
	if !in.Disclose.All {
		for _, p := range in.Disclose.Pointers {
			d.agreement.Disclose = append(d.agreement.Disclose, p.Value)
		}
	}
	for _, t := range in.Types {
		d.agreement.Types = append(d.agreement.Types, t.Value)
		s, ok := b.fed.Schemas.Lookup(t.Value)
		if !ok {
			if t.Value != "" && !b.refused[t.Value] {
				b.add(t.At, AgrType, t.Value)
			}
			continue
		}
		b.names(d, s)
		d.kinds = append(d.kinds, draftType{s, t.At, b.cut(d, s)})
	}
}

// names checks that events of the type have what where looks at.
func (b *builder) names(d *draft, s *schemas.Schema) {
	if d.where == nil {
		return
	}
	for _, name := range d.where.names {
		known := schemas.CommonAttribute(name) || s.Bedingungen[name] != ""
		for _, a := range s.Attributes {
			known = known || a == name
		}
		if !known {
			b.add(d.file.Where.At, AgrWhereName, name, s.Type)
		}
	}
}

// cut plans the cut of a type; nil when all fields are disclosed, or after a
// finding.
func (b *builder) cut(d *draft, s *schemas.Schema) *disclose.Cut {
	if len(d.agreement.Disclose) == 0 {
		return nil
	}
	cut, errs := disclose.Plan(s, d.agreement.Disclose)
	for _, err := range errs {
		p, ok := errors.AsType[*disclose.PointerError](err)
		switch {
		case ok && errors.Is(err, disclose.ErrUnknown):
			b.add(d.pointerAt(p.Pointer), AgrPointer, p.Pointer, s.Type)
		case ok:
			b.add(d.pointerAt(p.Pointer), AgrNotDerivable, p.Pointer, s.Type, p.Keyword)
		default:
			b.add(d.pointerAt(""), AgrNotDerivable, "/", s.Type, err.Error())
		}
	}
	b.originals(d, s, cut)
	return cut
}

// originals keeps raw bytes, which hold every field, out of agreements that cut.
func (b *builder) originals(d *draft, s *schemas.Schema, cut *disclose.Cut) {
	if cut == nil {
		return
	}
	for _, f := range s.Fields() {
		for _, p := range d.file.Disclose.Pointers {
			below := f.Pointer == p.Value || strings.HasPrefix(f.Pointer, p.Value+"/")
			if f.Leaf && f.Datenkategorie == "original" && below {
				b.add(p.At, AgrOriginal, p.Value)
				return
			}
		}
	}
}

// pointerAt finds where a pointer stands, or the first one below it.
func (d *draft) pointerAt(pointer string) Pos {
	for _, p := range d.file.Disclose.Pointers {
		if p.Value == pointer || strings.HasPrefix(p.Value, strings.TrimSuffix(pointer, "/")+"/") {
			return p.At
		}
	}
	return d.file.Disclose.Pointers[0].At
}
