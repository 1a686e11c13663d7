package federation

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

var (
	namePattern = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){0,31}$`)
	// of DVDV: prefixes are ASCII but for an umlaut (töj)
	authorityPattern = regexp.MustCompile(`^[A-Za-z0-9äöüÄÖÜß]{2,6}:[A-Za-z0-9._-]{1,40}$`)
)

// validName tells whether a name can be a token of subjects, a stream and a
// consumer: a-z, 0-9 and single dashes between them, at most 32 characters.
func validName(s string) bool { return len(s) <= 32 && namePattern.MatchString(s) }

// reservedOrganisation is a subject token beside those of organisations.
const reservedOrganisation = "cursor"

// organisation checks and takes over one organisation's file.
func (b *builder) organisation(file string, in *organisationFile) {
	id := in.ID.Value
	if id != "" && (!validName(id) || id == reservedOrganisation) {
		b.Add(in.ID.At, finding.OrgName, id)
	}
	if first := b.organisations[id]; first != nil && id != "" {
		b.Add(in.ID.At, finding.OrgTwice, id, first.File)
		return
	}
	o := &Organisation{ID: id, Name: in.Name.Value, Role: Role(in.Role.Value), Contact: in.Contact.Value, QuotaBytes: in.Quota.bytes, File: file, byKey: map[string]int{}}
	if o.QuotaBytes == 0 {
		o.QuotaBytes = DefaultQuota
	}
	o.Rate, o.Pace = b.rate(in.Limits.Rate, DefaultOrganisationRate), b.rate(in.Limits.Rate, 0)
	if in.Role.Value != "" && o.Role != RoleAuthority && o.Role != RoleOperator {
		b.Add(in.Role.At, finding.YAMLValue, "authority | operator")
	}
	for _, a := range in.Authorities {
		b.authority(o, a)
	}
	b.organisations[id] = o
	b.fed.Organisations = append(b.fed.Organisations, o)
	for i := range in.Applications {
		b.application(o, &in.Applications[i])
	}
}

func (b *builder) authority(o *Organisation, in authorityFile) {
	key := in.Key.Value
	switch {
	case key == "":
		return
	case !authorityPattern.MatchString(key):
		b.Add(in.Key.At, finding.OrgAuthorityKey, key)
	case o.ActsFor(key):
		b.Add(in.Key.At, finding.OrgAuthorityTwice, key)
	case o.Role == RoleOperator && strings.TrimSpace(in.Contract.Value) == "":
		b.Add(in.Key.At, finding.OrgContract, key)
	}
	if _, twice := o.byKey[key]; !twice {
		o.byKey[key] = len(o.Authorities)
	}
	o.Authorities = append(o.Authorities, Responsible{key, in.Name.Value, in.Contract.Value, in.Unit.Value})
	b.authorities[key] = true
	b.unit(key, in)
}

// unitPlace is where it was first said to which unit an authority belongs.
type unitPlace struct {
	unit, file string
	at         finding.Pos
}

// unit notes the administrative unit of an authority; all organisations must
// say the same of it.
func (b *builder) unit(key string, in authorityFile) {
	unit := in.Unit.Value
	switch {
	case unit == "":
		unit = key
	case !authorityPattern.MatchString(unit):
		b.Add(in.Unit.At, finding.OrgAuthorityKey, unit)
		return
	}
	at := in.Unit.At
	if at.Line == 0 {
		at = in.Key.At
	}
	first, known := b.unitAt[key]
	if known && first.unit != unit {
		b.Add(at, finding.OrgUnit, key, unit, first.file, first.unit)
		return
	}
	b.unitAt[key] = unitPlace{unit, in.Key.At.File, at}
	if unit != key {
		b.fed.units[key] = unit
	}
}

// unitsOfUnits finds authorities that belong to one that is no unit itself: laws
// compare units, and would take the two for strangers.
func (b *builder) unitsOfUnits() {
	for key, unit := range b.fed.units {
		if over, ok := b.fed.units[unit]; ok {
			b.Add(b.unitAt[key].at, finding.OrgUnitOfUnit, key, unit, over)
		}
	}
}

func (b *builder) application(o *Organisation, in *applicationFile) {
	id := in.ID.Value
	if id == "" {
		return
	}
	organisation, name, _ := strings.Cut(id, ".")
	ok := organisation == o.ID || !validName(o.ID) // which has its finding
	if !ok || !validName(name) {
		b.Add(in.ID.At, finding.OrgApplication, id, o.ID)
		return
	}
	if b.fed.applications[id] != nil {
		b.Add(in.ID.At, finding.OrgApplicationDup, id)
		return
	}
	a := &Application{
		ID: id, Organisation: o.ID, Name: name, Title: in.Title.Value, Contact: in.Contact.Value, Office: in.Office.Value, Mailbox: b.mailbox(o, in.Mailbox),
		Transport: in.Transport.Value, Classification: in.Classification.or(DefaultClassification), sends: map[string]bool{},
		Limits: b.limits(in.Limits),
	}
	b.access(a, in.Access)
	b.appAt[a] = in.ID.At
	b.knownOffice(in.Office)
	if in.Receipts.Value != "" {
		b.receiptsOf = append(b.receiptsOf, receiptsWish{a, in.Receipts})
	}
	if a.Mailbox != nil {
		b.mailboxAt[a] = in.Mailbox.Mode.At
	}
	for _, s := range in.Sources {
		b.source(o, a, s)
	}
	slices.SortFunc(a.Sources, func(x, y SourcePrefix) int { return strings.Compare(x.Prefix, y.Prefix) })
	b.fed.applications[id] = a
	o.Applications = append(o.Applications, a)
}

func (b *builder) mailbox(o *Organisation, in *mailboxFile) *Mailbox {
	if in == nil {
		return nil
	}
	m := &Mailbox{Mode: MailboxMode(in.Mode.Value), MaxAckPending: int(in.MaxAckPending.Value), QuotaBytes: in.Quota.bytes}
	if m.QuotaBytes == 0 {
		m.QuotaBytes = DefaultMailboxQuota
	}
	if m.Mode != ModeNATS && !m.HandedOut() && m.Mode != "" {
		b.Add(in.Mode.At, finding.YAMLValue, "sink | nats | webhook | http")
	}
	m.Webhook = b.webhook(o, in)
	if given := in.MaxAckPending.At.Line > 0; given && (m.Mode != ModeNATS || m.MaxAckPending < 1 || m.MaxAckPending > 65536) {
		b.Add(in.MaxAckPending.At, finding.YAMLValue, "1 … 65536, mode: nats")
	}
	return m
}

func (b *builder) source(o *Organisation, a *Application, in sourceFile) {
	prefix := in.Prefix.Value
	if authority := in.Authority.Value; authority != "" && o.lacks(authority) {
		b.Add(in.Authority.At, finding.OrgSourceForeign, authority, o.ID)
	}
	if prefix == "" {
		return
	}
	if !validPrefix(prefix) {
		b.Add(in.Prefix.At, finding.OrgSourcePrefix, prefix)
		return
	}
	if within(HubSource, prefix) || within(prefix, HubSource) {
		b.Add(in.Prefix.At, finding.OrgSourceHub, prefix, HubSource)
		return
	}
	a.Sources = append(a.Sources, SourcePrefix{prefix, in.Authority.Value})
	a.sends[in.Authority.Value] = true
	b.prefixes = append(b.prefixes, ownedPrefix{prefix, a, in.Prefix.At})
}

func validPrefix(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && len(s) <= 256 &&
		!strings.ContainsAny(s, " <>\"{}|\\^`") && !strings.ContainsFunc(s, func(c rune) bool { return c > unicode.MaxASCII }) && !strings.ContainsAny(s[len(s)-1:], sourceDelimiters)
}

type ownedPrefix struct {
	prefix string
	owner  *Application
	at     finding.Pos
}

// receiptsWish is where an application wants its receipts, to be found once all
// applications are known.
type receiptsWish struct {
	of *Application
	to strictyaml.Text
}

func (b *builder) receipts() {
	for _, w := range b.receiptsOf {
		to := b.fed.applications[w.to.Value]
		if to == nil || to.Organisation != w.of.Organisation || to.Mailbox == nil {
			b.Add(w.to.At, finding.OrgReceipts, w.to.Value)
			continue
		}
		w.of.Receipts = to
	}
}

// knownOffice finds offices that no law names: a misspelt one would be refused
// by each law that names some.
func (b *builder) knownOffice(in strictyaml.Text) {
	if in.Value == "" {
		return
	}
	if known := b.fed.Laws.Offices(); !slices.Contains(known, in.Value) {
		b.Add(in.At, finding.OrgOffice, in.Value, strings.Join(known, ", "))
	}
}

// overlaps finds prefixes of one application that reach into another's, and
// prefixes given twice.
func (b *builder) overlaps() {
	owners := map[string]*Application{}
	for _, p := range b.prefixes {
		if other := owners[p.prefix]; other != nil {
			b.Add(p.at, finding.OrgSourceOverlap, p.prefix, p.prefix, other.ID)
			continue
		}
		owners[p.prefix] = p.owner
	}
	b.fed.owners = owners
	for _, p := range b.prefixes {
		for end := strings.LastIndexAny(p.prefix, sourceDelimiters); end > 0; end = strings.LastIndexAny(p.prefix[:end], sourceDelimiters) {
			if other := owners[p.prefix[:end]]; other != nil && other != p.owner {
				b.Add(p.at, finding.OrgSourceOverlap, p.prefix, p.prefix[:end], other.ID)
				break
			}
		}
	}
}
