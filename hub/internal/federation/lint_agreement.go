package federation

import (
	"regexp"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
	"github.com/amtsbote/amtsbote/hub/internal/where"
	"github.com/amtsbote/amtsbote/schemas"
)

var agreementPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// draft is an agreement on its way to clauses.
type draft struct {
	agreement *Agreement
	file      *agreementFile
	senders   []side
	receivers []side
	kinds     []draftType
	where     *where.Expression
	pointers  map[string]finding.Pos // of disclose, where each stands first
}

// at is where to point when the agreement as a whole is meant.
func (d *draft) at() finding.Pos { return finding.Pos{File: d.agreement.File, Line: 1, Column: 1} }

// side is a party that is known: an application and its authority, or a group.
type side struct {
	app       *Application
	authority string
	group     *Group
	address   string // of a receiving group, as written
	at        finding.Pos
}

// draftType is a type that is known, with its cut.
type draftType struct {
	schema *schemas.Schema
	at     finding.Pos
	plan   *plan
}

// agreement checks and takes over one agreement's file.
func (b *builder) agreement(file string, in *agreementFile) {
	id := in.ID.Value
	if id != "" && !agreementPattern.MatchString(id) {
		b.Add(in.ID.At, finding.AgrName, id)
	}
	if first := b.agreements[id]; first != nil && id != "" {
		b.Add(in.ID.At, finding.AgrTwice, id, first.File)
		return
	}
	a := &Agreement{
		ID: id, Title: in.Title.Value, Purpose: in.Purpose.Value, Activity: in.Activity.Value,
		Where: in.Where.Value, Classification: in.Classification.or(DefaultClassification), File: file,
		Valid: Validity{From: in.Valid.From.Day, Until: in.Valid.Until.Day},
	}
	b.agreements[id], b.textOf[a] = a, in.text
	b.fed.Agreements = append(b.fed.Agreements, a)
	d := &draft{agreement: a, file: in}
	if b.parties(d); b.tooMany(d) {
		return
	}
	b.terms(d)
	b.validity(d)
	b.types(d)
	b.laws(d)
	b.approvals(d)
	b.compile(d)
}

func (b *builder) parties(d *draft) {
	for _, in := range d.file.From {
		if s, ok := b.party(in); ok && !b.twice(s, d.senders) {
			d.senders = append(d.senders, s)
			d.agreement.From = append(d.agreement.From, s.party())
			b.silent(s)
		}
	}
	for _, in := range d.file.To {
		s, ok := b.party(in.partyFile)
		s.address = in.Address.Value
		if ok && !b.twice(s, d.receivers) {
			if s.group != nil && in.Address.At.Line > 0 {
				s.at = in.Address.At
			}
			d.receivers = append(d.receivers, s)
			d.agreement.To = append(d.agreement.To, s.party())
			b.receiver(d, s, in)
		}
	}
}

// twice finds a party that stands on its side already.
func (b *builder) twice(s side, list []side) bool {
	for _, other := range list {
		if s.app == other.app && s.authority == other.authority && s.group == other.group && s.address == other.address {
			b.Add(s.at, finding.AgrPartyTwice, s.name())
			return true
		}
	}
	return false
}

// maxWays bounds senders times receivers times types of one agreement: each is a
// clause of its own.
const maxWays = 100_000

// tooMany refuses an agreement with more ways than that.
func (b *builder) tooMany(d *draft) bool {
	many := len(d.senders)*len(d.receivers)*max(len(d.file.Types), 1) > maxWays
	if many {
		b.Add(d.at(), finding.AgrTooMany, maxWays)
	}
	return many
}

func (s side) party() Party {
	if s.group != nil {
		return Party{Group: s.group.ID, Address: s.address}
	}
	return Party{Application: s.app.ID, Authority: s.authority}
}

// silent finds senders that send nothing.
func (b *builder) silent(s side) {
	switch {
	case s.group != nil:
		if !slices.ContainsFunc(s.group.Applications, func(a *Application) bool { return len(a.Sources) > 0 }) {
			b.Add(s.at, finding.AgrNobody, s.group.ID)
		}
	case b.organisations[s.app.Organisation].ActsFor(s.authority) && !s.app.SendsFor(s.authority):
		b.Add(s.at, finding.AgrSilent, s.app.ID, s.authority)
	}
}

// receiver checks what only a receiver must have.
func (b *builder) receiver(d *draft, s side, in toFile) {
	if s.group != nil {
		if !slices.ContainsFunc(s.group.Applications, func(a *Application) bool { return a.Mailbox != nil }) {
			b.Add(in.Group.At, finding.AgrMailbox, s.group.ID)
		}
		return
	}
	if s.app.Mailbox == nil {
		b.Add(in.Application.At, finding.AgrMailbox, s.app.ID)
	}
	if d.file.Classification.Given && d.agreement.Classification > s.app.Classification {
		b.Add(d.file.Classification.At, finding.AgrClassified, s.app.ID, d.agreement.Classification, s.app.Classification)
	}
}

// party finds the application and authority, or the group, of one side.
func (b *builder) party(in partyFile) (side, bool) {
	if id := in.Group.Value; id != "" {
		g := b.groups[id]
		if g == nil {
			b.Add(in.Group.At, finding.AgrGroup, id)
		}
		return side{group: g, at: in.Group.At}, g != nil
	}
	id, authority := in.Application.Value, in.Authority.Value
	app := b.fed.applications[id]
	if id != "" && app == nil {
		b.Add(in.Application.At, finding.AgrApplication, id)
	}
	if authority != "" {
		b.known(in.Authority, app)
	}
	return side{app: app, authority: authority, at: in.Authority.At}, app != nil && authority != ""
}

// known looks for an authority anywhere, or on the list of app's organisation.
func (b *builder) known(authority strictyaml.Text, app *Application) {
	switch {
	case !b.authorities[authority.Value]:
		b.Add(authority.At, finding.AgrAuthority, authority.Value)
	case app != nil && b.organisations[app.Organisation].lacks(authority.Value):
		b.Add(authority.At, finding.AgrNotOnList, authority.Value, app.Organisation)
	}
}

// terms checks retention, delivery and receipts.
func (b *builder) terms(d *draft) {
	a, in := d.agreement, d.file
	a.Retain = b.period(in.Retain)
	if a.Within = b.period(in.Deliver.Within); a.Within > 0 {
		b.notYet("deliver", in.Deliver.Within)
	}
	for _, one := range in.Receipts {
		if !slices.Contains([]string{"accepted", "refused", ReceiptDelivered, "expired"}, one.Value) {
			b.Add(one.At, finding.YAMLValue, "accepted | refused | delivered | expired")
		}
		a.Receipts = append(a.Receipts, one.Value)
	}
}

// notYet says of a term that the hub keeps it in mind but does not act on it.
func (b *builder) notYet(key string, in strictyaml.Text) {
	b.Add(in.At, finding.AgrNotYet, key)
}

func (b *builder) period(in strictyaml.Text) time.Duration {
	if in.Value == "" {
		return 0
	}
	d, err := schemas.Period(in.Value)
	if err != nil || d == 0 {
		b.Add(in.At, finding.YAMLValue, "P14D, PT1H")
	}
	return d
}

// expiresSoon is how long before its end an agreement is reported.
const expiresSoon = 30 * 24 * time.Hour

func (b *builder) validity(d *draft) {
	v, at := d.agreement.Valid, d.file.Valid.Until.At
	if v.From.IsZero() || v.Until.IsZero() {
		return
	}
	switch end := v.Until.start(1); {
	case v.Until.start(0).Before(v.From.start(0)):
		b.Add(at, finding.AgrValidity, v.Until, v.From)
	case !b.now.Before(end):
		b.Add(at, finding.AgrExpired, v.Until)
	case !b.now.Add(expiresSoon).Before(end):
		b.Add(at, finding.AgrExpiring, v.Until)
	}
}
