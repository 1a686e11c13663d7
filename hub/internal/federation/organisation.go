package federation

import (
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// Role of an organisation.
type Role string

// The roles.
const (
	RoleAuthority Role = "authority" // the body responsible itself
	RoleOperator  Role = "operator"  // runs applications for authorities (Art. 28 DSGVO)
)

// DefaultQuota limits an organisation's in stream unless its file says else.
const DefaultQuota = 1 << 30

// DefaultMailboxQuota limits what waits in a mailbox unless its file says else.
const DefaultMailboxQuota = 1 << 30

// Organisation is what connects to the hub; the unit of isolation and quota.
type Organisation struct {
	ID, Name string
	Role     Role
	// Contact is whom to ask, an office rather than a person; "" when the directory does
	// not say.
	Contact string
	// QuotaBytes limits its in stream.
	QuotaBytes int64
	// Rate is how many events a second all of its applications together may hand in
	// by HTTP.
	Rate int
	// Pace is how many events a second are worked off, whatever way they came; 0: as
	// many as come.
	Pace         int
	Authorities  []Responsible
	Applications []*Application
	// File it stands in, relative to the directory.
	File string

	byKey map[string]int // index in Authorities
}

// Responsible is an authority that an organisation is or acts for.
type Responsible struct {
	Key      string // ags:09162000
	Name     string
	Contract string // reference of the Auftragsverarbeitung, for operators
	// Unit is the administrative unit that the authority belongs to, by its key;
	// "" when it is one itself.
	Unit string
}

// ActsFor tells whether the authority is on the organisation's list.
func (o *Organisation) ActsFor(authority string) bool {
	_, ok := o.byKey[authority]
	return ok
}

// AuthorityName is the name that the organisation gives an authority; the key
// when it has none.
func (o *Organisation) AuthorityName(authority string) string {
	if i, ok := o.byKey[authority]; ok && o.Authorities[i].Name != "" {
		return o.Authorities[i].Name
	}
	return authority
}

// lacks tells whether the organisation has a list without the authority.
func (o *Organisation) lacks(authority string) bool {
	return len(o.Authorities) > 0 && !o.ActsFor(authority)
}

// Application is a specialist application (Fachverfahren) of an organisation.
type Application struct {
	ID           string // <organisation>.<name>
	Organisation string
	Name         string // without the organisation
	Title        string
	Contact      string // as of the organisation
	// Office is the kind of office (Behördenart) that it serves, as the laws name
	// it: meldebehoerde, kfz-zulassung; "" when the directory does not say.
	Office  string
	Sources []SourcePrefix // sorted by prefix
	Mailbox *Mailbox       // nil: receives nothing
	// Transport that the application hands over to (osci); "" when it is none of
	// the transports that a law prescribes.
	Transport string
	// Receipts is the application of the same organisation whose mailbox gets the
	// receipts (Quittungen) for what this one sends; nil: none.
	Receipts *Application
	// Classification is the highest dataclassification it may receive.
	Classification Classification
	Access         Access
	Limits         Limits

	sends map[string]bool // authorities of its sources
}

// SourcePrefix is the beginning of event sources that an application owns.
type SourcePrefix struct {
	Prefix    string
	Authority string // for which it then sends
}

// MailboxMode is how a mailbox is emptied.
type MailboxMode string

// The modes.
const (
	ModeSink MailboxMode = "sink" // the hub hands out through an adapter
	ModeNATS MailboxMode = "nats" // the application fetches by itself
	// The hub sends to the application's own HTTP endpoint.
	ModeWebhook MailboxMode = "webhook"
	// The application leases and settles by HTTP.
	ModeHTTP MailboxMode = "http"
)

// HandedOut tells whether the hub hands out what lies in the mailbox, and so
// knows the end of each copy.
func (m *Mailbox) HandedOut() bool {
	return m != nil && (m.Mode == ModeSink || m.Mode == ModeWebhook || m.Mode == ModeHTTP)
}

// Mailbox is the durable queue of a receiving application.
type Mailbox struct {
	Mode MailboxMode
	// MaxAckPending in mode nats; 0 when the directory does not say.
	MaxAckPending int
	// QuotaBytes limits what waits in it.
	QuotaBytes int64
	// Webhook in mode webhook.
	Webhook *Webhook
}

// sourceDelimiters end a prefix within a source.
const sourceDelimiters = ":/#?;"

func lastDelimiter(s string) int { return strings.LastIndexAny(s, sourceDelimiters) }

// Authority tells for which authority the application sends under source: the
// longest prefix it owns decides. A prefix owns itself and what continues it
// with one of : / # ? ; but nothing that leads out of it again for who resolves
// dot segments (RFC 3986, 5.2.4).
func (a *Application) Authority(source string) (string, bool) {
	if leadsOut(source) || within(source, HubSource) {
		return "", false
	}
	for end := len(source); end > 0; end = lastDelimiter(source[:end]) {
		i, ok := slices.BinarySearchFunc(a.Sources, source[:end], func(p SourcePrefix, s string) int {
			return strings.Compare(p.Prefix, s)
		})
		if ok {
			return a.Sources[i].Authority, true
		}
	}
	return "", false
}

// HubSource is the source of the hub's own events, the receipts. Who reads them believes
// them by it, so that nobody else may send under it or below.
const HubSource = hub.ReceiptSource

// within tells whether a prefix owns a source.
func within(source, prefix string) bool {
	rest, is := strings.CutPrefix(source, prefix)
	return is && (rest == "" || strings.ContainsAny(rest[:1], sourceDelimiters))
}

// leadsOut tells whether a source has a segment "." or "..", also when its dots
// are percent-encoded.
func leadsOut(source string) bool {
	if !strings.Contains(source, ".") && !strings.Contains(source, "%") {
		return false
	}
	for rest, more := source, true; more; {
		segment := rest
		end := strings.IndexAny(rest, sourceDelimiters)
		if more = end >= 0; more {
			segment, rest = rest[:end], rest[end+1:]
		}
		if len(segment) > 6 || segment == "" || segment[0] != '.' && segment[0] != '%' {
			continue
		}
		if dots := encodedDot.Replace(segment); dots == "." || dots == ".." {
			return true
		}
	}
	return false
}

var encodedDot = strings.NewReplacer("%2e", ".", "%2E", ".")

// SendsFor tells whether the application owns a source of the authority.
func (a *Application) SendsFor(authority string) bool { return a.sends[authority] }
