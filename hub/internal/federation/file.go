package federation

import (
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// The files of the directory as they are written. What a field means is said
// at the type it becomes.

type federationFile struct {
	Name        strictyaml.Text `yaml:"name,required"`
	Environment strictyaml.Text `yaml:"environment,required"`
	Origin      strictyaml.Text `yaml:"origin"`
	Simulators  []simulatorFile `yaml:"simulators"`
	Console     []consoleFile   `yaml:"console"`
}

type simulatorFile struct {
	Kind     strictyaml.Text     `yaml:"kind,required"`
	Name     strictyaml.Text     `yaml:"name,required"`
	Settings strictyaml.Settings `yaml:"settings"`
}

type organisationFile struct {
	ID           strictyaml.Text   `yaml:"id,required"`
	Name         strictyaml.Text   `yaml:"name,required"`
	Role         strictyaml.Text   `yaml:"role,required"`
	Quota        quota             `yaml:"quota"`
	Limits       rateFile          `yaml:"limits"`
	Contact      strictyaml.Text   `yaml:"contact"`
	Authorities  []authorityFile   `yaml:"authorities,required"`
	Applications []applicationFile `yaml:"applications"`
}

type authorityFile struct {
	Key      strictyaml.Text `yaml:"key,required"`
	Name     strictyaml.Text `yaml:"name,required"`
	Contract strictyaml.Text `yaml:"contract"`
	Unit     strictyaml.Text `yaml:"unit"`
}

type applicationFile struct {
	ID             strictyaml.Text    `yaml:"id,required"`
	Title          strictyaml.Text    `yaml:"title,required"`
	Contact        strictyaml.Text    `yaml:"contact"`
	Office         strictyaml.Text    `yaml:"office"`
	Sources        []sourceFile       `yaml:"sources"`
	Mailbox        *mailboxFile       `yaml:"mailbox"`
	Transport      strictyaml.Text    `yaml:"transport"`
	Receipts       strictyaml.Text    `yaml:"receipts"`
	Classification classificationFile `yaml:"classification"`
	Access         accessFile         `yaml:"access"`
	Limits         limitsFile         `yaml:"limits"`
}

type sourceFile struct {
	Prefix    strictyaml.Text `yaml:"prefix,required"`
	Authority strictyaml.Text `yaml:"authority,required"`
}

type mailboxFile struct {
	Mode          strictyaml.Text  `yaml:"mode,required"`
	MaxAckPending strictyaml.Whole `yaml:"max-ack-pending"`
	Quota         quota            `yaml:"quota"`
	Webhook       *webhookFile     `yaml:"webhook"`
}

type groupFile struct {
	ID      strictyaml.Text `yaml:"id,required"`
	Title   strictyaml.Text `yaml:"title,required"`
	Members []memberFile    `yaml:"members,required"`
}

// memberFile is an application with the authorities for which it is a member:
// keys, or ags:* for all with that prefix on its organisation's list.
type memberFile struct {
	Application strictyaml.Text                       `yaml:"application,required"`
	Authorities strictyaml.OneOrMany[strictyaml.Text] `yaml:"authorities,required"`
}

type agreementFile struct {
	ID             strictyaml.Text                 `yaml:"id,required"`
	Title          strictyaml.Text                 `yaml:"title,required"`
	From           strictyaml.OneOrMany[partyFile] `yaml:"from,required"`
	To             strictyaml.OneOrMany[toFile]    `yaml:"to,required"`
	Types          []strictyaml.Text               `yaml:"types,required"`
	Law            strictyaml.Text                 `yaml:"law"`
	Ungeprueft     bool                            `yaml:"recht-ungeprueft"`
	OhneTransport  strictyaml.Text                 `yaml:"ohne-transport"`
	Purpose        strictyaml.Text                 `yaml:"purpose,required"`
	Activity       strictyaml.Text                 `yaml:"activity"`
	Where          strictyaml.Text                 `yaml:"where"`
	Disclose       fieldsFile                      `yaml:"disclose,required"`
	Sperren        sperrenFile                     `yaml:"sperren"`
	Classification classificationFile              `yaml:"classification"`
	Retain         strictyaml.Text                 `yaml:"retain"`
	Deliver        deliverFile                     `yaml:"deliver"`
	Receipts       []strictyaml.Text               `yaml:"receipts"`
	Valid          validFile                       `yaml:"valid,required"`
	Approved       []approvalFile                  `yaml:"approved"`

	text [32]byte // digest over all but the approvals
}

// partyFile is an application acting for an authority, or a group.
type partyFile struct {
	Application strictyaml.Text `yaml:"application"`
	Authority   strictyaml.Text `yaml:"authority"`
	Group       strictyaml.Text `yaml:"group"`
	at          finding.Pos
}

// FromNode asks for application and authority, or for a group.
func (f *partyFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	type plain partyFile
	d.Fields(n, (*plain)(f))
	f.complete(d, n)
}

func (f *partyFile) complete(d *strictyaml.Decoder, n *strictyaml.Node) {
	f.at = n.At
	if n.Kind != strictyaml.Mapping {
		return
	}
	if g := n.Get("group"); g != nil && g.Kind == strictyaml.String && g.Empty() {
		d.Add(g.At, finding.YAMLMissing, "group")
	}
	for _, key := range []string{"application", "authority"} {
		switch given, group := n.Get(key) != nil, n.Get("group") != nil; {
		case !given && !group:
			d.Add(n.At, finding.YAMLMissing, key)
		case given && group:
			d.Add(n.Get(key).At, finding.YAMLValue, "{application, authority} | {group}")
		}
	}
}

type toFile struct {
	partyFile
	Address strictyaml.Text
}

// FromNode asks for an address where a group receives.
func (f *toFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	var in struct {
		Application strictyaml.Text `yaml:"application"`
		Authority   strictyaml.Text `yaml:"authority"`
		Group       strictyaml.Text `yaml:"group"`
		Address     strictyaml.Text `yaml:"address"`
	}
	d.Fields(n, &in)
	f.Application, f.Authority, f.Group, f.Address = in.Application, in.Authority, in.Group, in.Address
	f.complete(d, n)
	if n.Kind != strictyaml.Mapping {
		return
	}
	switch group, address := n.Get("group") != nil, n.Get("address"); {
	case group && address.Empty():
		d.Add(n.At, finding.YAMLMissing, "address")
	case !group && address != nil:
		d.Add(address.At, finding.YAMLValue, "{group, address}")
	}
}

type deliverFile struct {
	Within strictyaml.Text `yaml:"within"`
}

type validFile struct {
	From  dayFile `yaml:"from,required"`
	Until dayFile `yaml:"until"`
}

type dayFile struct {
	Day Day
	At  finding.Pos
}

// FromNode reads 2026-01-31.
func (f *dayFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	f.At = n.At
	if !d.Expect(n, strictyaml.String) {
		return
	}
	var ok bool
	if f.Day, ok = parseDay(n.Text); !ok {
		d.Add(n.At, finding.YAMLValue, "2026-01-31")
	}
}

type approvalFile struct {
	Authority strictyaml.Text `yaml:"authority,required"`
	On        dayFile         `yaml:"on,required"`
	Ref       strictyaml.Text `yaml:"ref"`
	Digest    strictyaml.Text `yaml:"digest"`
}

// fieldsFile is all, or a list of JSON Pointers.
type fieldsFile struct {
	All      bool
	Pointers []strictyaml.Text
	At       finding.Pos
}

// FromNode reads all, or a list.
func (f *fieldsFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	f.At = n.At
	switch {
	case n.Kind == strictyaml.String && n.Text == "all":
		f.All = true
	case n.Kind == strictyaml.Sequence && len(n.Items) > 0:
		d.Value(n, &f.Pointers)
	default:
		d.Add(n.At, finding.YAMLValue, "all | [/person/name, …]")
	}
}

// sperrenFile is none, or the law that lets blocked events pass with the mark.
type sperrenFile struct{ Law strictyaml.Text }

// FromNode reads none, or {mit-kennzeichen: …}.
func (s *sperrenFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	var with struct {
		Law strictyaml.Text `yaml:"mit-kennzeichen,required"`
	}
	switch {
	case n.Kind == strictyaml.String && n.Text == "none":
	case n.Kind == strictyaml.Mapping:
		d.Fields(n, &with)
		s.Law = with.Law
	default:
		d.Add(n.At, finding.YAMLValue, "none | {mit-kennzeichen: BMG-33-1}")
	}
}

type classificationFile struct {
	Level Classification
	Given bool
	At    finding.Pos
}

// FromNode reads a level.
func (c *classificationFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	c.At, c.Given = n.At, true
	if c.Level = ClassificationOf(n.Text); n.Kind != strictyaml.String || n.Text == "" || c.Level == Beyond {
		d.Add(n.At, finding.YAMLValue, "public | internal | confidential | restricted")
		c.Level = Public
	}
}

// or gives the level, or the default when none is given.
func (c classificationFile) or(level Classification) Classification {
	if c.Given {
		return c.Level
	}
	return level
}

type quota struct {
	bytes int64
	at    finding.Pos
}

// FromNode reads 1GiB.
func (q *quota) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	size, ok := strictyaml.ParseSize(n.Text)
	if !ok || size == 0 || n.Kind != strictyaml.String && n.Kind != strictyaml.Integer {
		d.Add(n.At, finding.YAMLValue, "1GiB")
	}
	q.bytes, q.at = size, n.At
}

type adapterFile struct {
	Application strictyaml.Text     `yaml:"application,required"`
	Kind        strictyaml.Text     `yaml:"kind,required"`
	Use         strictyaml.Text     `yaml:"use"`
	Settings    strictyaml.Settings `yaml:"settings"`
}
