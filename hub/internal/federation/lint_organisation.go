package federation

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	namePattern      = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	authorityPattern = regexp.MustCompile(`^[^:\s]{2,6}:[^:\s]{1,40}$`)
)

// reservedOrganisation is a subject token beside those of organisations.
const reservedOrganisation = "cursor"

// organisation checks and takes over one organisation's file.
func (b *builder) organisation(file string, in *organisationFile) {
	id := in.ID.Value
	if id != "" && (!namePattern.MatchString(id) || id == reservedOrganisation) {
		b.add(in.ID.At, OrgName, id)
	}
	if first := b.organisations[id]; first != nil {
		b.add(in.ID.At, OrgTwice, id, first.File)
		return
	}
	o := &Organisation{ID: id, Name: in.Name.Value, Role: Role(in.Role.Value), QuotaBytes: in.Quota.bytes, File: file}
	if o.QuotaBytes == 0 {
		o.QuotaBytes = DefaultQuota
	}
	if in.Role.Value != "" && o.Role != RoleAuthority && o.Role != RoleOperator {
		b.add(in.Role.At, YAMLValue, "authority | operator")
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
		b.add(in.Key.At, OrgAuthorityKey, key)
	case o.actsFor(key):
		b.add(in.Key.At, OrgAuthorityTwice, key)
	case o.Role == RoleOperator && strings.TrimSpace(in.Contract.Value) == "":
		b.add(in.Key.At, OrgContract, key)
	}
	o.Authorities = append(o.Authorities, Responsible{key, in.Name.Value, in.Contract.Value})
	b.authorities[key] = true
}

func (b *builder) application(o *Organisation, in *applicationFile) {
	id := in.ID.Value
	if id == "" {
		return
	}
	organisation, name, _ := strings.Cut(id, ".")
	ok := organisation == o.ID || !namePattern.MatchString(o.ID) // which has its finding
	if !ok || !namePattern.MatchString(name) {
		b.add(in.ID.At, OrgApplication, id, o.ID)
		return
	}
	if b.fed.applications[id] != nil {
		b.add(in.ID.At, OrgApplicationDup, id)
		return
	}
	a := &Application{ID: id, Organisation: o.ID, Name: name, Title: in.Title.Value, Mailbox: b.mailbox(in.Mailbox)}
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

func (b *builder) mailbox(in *mailboxFile) *Mailbox {
	if in == nil {
		return nil
	}
	m := &Mailbox{Mode: MailboxMode(in.Mode.Value), MaxAckPending: int(in.MaxAckPending.Value)}
	if m.Mode != ModeSink && m.Mode != ModeNATS && m.Mode != "" {
		b.add(in.Mode.At, YAMLValue, "sink | nats")
	}
	if given := in.MaxAckPending.At.Line > 0; given && (m.Mode != ModeNATS || m.MaxAckPending < 1 || m.MaxAckPending > 65536) {
		b.add(in.MaxAckPending.At, YAMLValue, "1 … 65536, mode: nats")
	}
	return m
}

func (b *builder) source(o *Organisation, a *Application, in sourceFile) {
	prefix := in.Prefix.Value
	if authority := in.Authority.Value; authority != "" && o.lacks(authority) {
		b.add(in.Authority.At, OrgSourceForeign, authority, o.ID)
	}
	if prefix == "" {
		return
	}
	if !validPrefix(prefix) {
		b.add(in.Prefix.At, OrgSourcePrefix, prefix)
		return
	}
	a.Sources = append(a.Sources, SourcePrefix{prefix, in.Authority.Value})
	b.prefixes = append(b.prefixes, ownedPrefix{prefix, a, in.Prefix.At})
}

func validPrefix(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && len(s) <= 256 &&
		!strings.ContainsAny(s, " <>\"{}|\\^`") && !strings.ContainsAny(s[len(s)-1:], sourceDelimiters)
}

type ownedPrefix struct {
	prefix string
	owner  *Application
	at     Pos
}

// overlaps finds prefixes of one application that reach into another's, and
// prefixes given twice.
func (b *builder) overlaps() {
	owners := map[string]*Application{}
	for _, p := range b.prefixes {
		if other := owners[p.prefix]; other != nil {
			b.add(p.at, OrgSourceOverlap, p.prefix, p.prefix, other.ID)
			continue
		}
		owners[p.prefix] = p.owner
	}
	for _, p := range b.prefixes {
		for end := strings.LastIndexAny(p.prefix, sourceDelimiters); end > 0; end = strings.LastIndexAny(p.prefix[:end], sourceDelimiters) {
			if other := owners[p.prefix[:end]]; other != nil && other != p.owner {
				b.add(p.at, OrgSourceOverlap, p.prefix, p.prefix[:end], other.ID)
				break
			}
		}
	}
}
