package federation

import "reflect"

// The files of the directory as they are written. What a field means is said
// at the type it becomes.

type federationFile struct {
	Name        Text            `yaml:"name,required"`
	Environment Text            `yaml:"environment,required"`
	Simulators  []simulatorFile `yaml:"simulators"`
}

type simulatorFile struct {
	Kind     Text     `yaml:"kind,required"`
	Name     Text     `yaml:"name,required"`
	Settings settings `yaml:"settings"`
}

type organisationFile struct {
	ID           Text              `yaml:"id,required"`
	Name         Text              `yaml:"name,required"`
	Role         Text              `yaml:"role,required"`
	Quota        quota             `yaml:"quota"`
	Authorities  []authorityFile   `yaml:"authorities,required"`
	Applications []applicationFile `yaml:"applications"`
}

type authorityFile struct {
	Key      Text `yaml:"key,required"`
	Name     Text `yaml:"name,required"`
	Contract Text `yaml:"contract"`
}

type applicationFile struct {
	ID      Text         `yaml:"id,required"`
	Title   Text         `yaml:"title,required"`
	Sources []sourceFile `yaml:"sources"`
	Mailbox *mailboxFile `yaml:"mailbox"`
}

type sourceFile struct {
	Prefix    Text `yaml:"prefix,required"`
	Authority Text `yaml:"authority,required"`
}

type mailboxFile struct {
	Mode          Text  `yaml:"mode,required"`
	MaxAckPending Whole `yaml:"max-ack-pending"`
}

type agreementFile struct {
	ID         Text           `yaml:"id,required"`
	Title      Text           `yaml:"title,required"`
	From       list[fromFile] `yaml:"from,required"`
	To         list[toFile]   `yaml:"to,required"`
	Types      []Text         `yaml:"types,required"`
	Law        Text           `yaml:"law"`
	Purpose    Text           `yaml:"purpose,required"`
	Activity   Text           `yaml:"activity"`
	Where      Text           `yaml:"where"`
	Disclose   fieldsFile     `yaml:"disclose,required"`
	Sperren    sperrenFile    `yaml:"sperren"`
	Retain     Text           `yaml:"retain"`
	Valid      validFile      `yaml:"valid,required"`
	Approved   []approvalFile `yaml:"approved"`
	Deliver    later          `yaml:"deliver"`
	Receipts   later          `yaml:"receipts"`
	Ungeprueft later          `yaml:"recht-ungeprueft"`
}

type fromFile struct {
	Application Text  `yaml:"application"`
	Authority   Text  `yaml:"authority"`
	Group       later `yaml:"group"`
}

type toFile struct {
	Party   fromFile `yaml:",inline"`
	Address later    `yaml:"address"`
}

// fromNode asks for application and authority unless a group is named, which
// has its own finding.
func (f *fromFile) fromNode(d *decoder, n *node) {
	if !d.expect(n, mapping) {
		return
	}
	d.object(n, reflect.ValueOf(f).Elem())
	f.complete(d, n)
}

func (f *fromFile) complete(d *decoder, n *node) {
	for _, key := range []string{"application", "authority"} {
		if n.get(key) == nil && n.get("group") == nil {
			d.add(n.at, YAMLMissing, key)
		}
	}
}

func (t *toFile) fromNode(d *decoder, n *node) {
	if !d.expect(n, mapping) {
		return
	}
	d.object(n, reflect.ValueOf(t).Elem())
	t.Party.complete(d, n)
}

type validFile struct {
	From  dayFile `yaml:"from,required"`
	Until dayFile `yaml:"until"`
}

type dayFile struct {
	Day Day
	At  Pos
}

func (f *dayFile) fromNode(d *decoder, n *node) {
	f.At = n.at
	if !d.expect(n, text) {
		return
	}
	var ok bool
	if f.Day, ok = parseDay(n.text); !ok {
		d.add(n.at, YAMLValue, "2026-01-31")
	}
}

type approvalFile struct {
	Authority Text    `yaml:"authority,required"`
	On        dayFile `yaml:"on,required"`
	Ref       Text    `yaml:"ref"`
	Digest    Text    `yaml:"digest"`
}

// fieldsFile is all, or a list of JSON Pointers.
type fieldsFile struct {
	All      bool
	Pointers []Text
}

func (f *fieldsFile) fromNode(d *decoder, n *node) {
	switch {
	case n.kind == text && n.text == "all":
		f.All = true
	case n.kind == sequence && len(n.items) > 0:
		d.into(n, reflect.ValueOf(&f.Pointers).Elem(), "")
	default:
		d.add(n.at, YAMLValue, "all | [/person/name, …]")
	}
}

// sperrenFile is none, or the law that lets blocked events pass with the mark.
type sperrenFile struct{ Law string }

func (s *sperrenFile) fromNode(d *decoder, n *node) {
	var with struct {
		Law Text `yaml:"mit-kennzeichen,required"`
	}
	switch {
	case n.kind == text && n.text == "none":
	case n.kind == mapping:
		d.into(n, reflect.ValueOf(&with).Elem(), "")
		s.Law = with.Law.Value
	default:
		d.add(n.at, YAMLValue, "none | {mit-kennzeichen: …}")
	}
}

type quota struct{ bytes int64 }

func (q *quota) fromNode(d *decoder, n *node) {
	size, ok := parseSize(n.text)
	if !ok || size == 0 || n.kind != text && n.kind != integer {
		d.add(n.at, YAMLValue, "1GiB")
	}
	q.bytes = size
}

type adapterFile struct {
	Application Text     `yaml:"application,required"`
	Kind        Text     `yaml:"kind,required"`
	Use         Text     `yaml:"use"`
	Settings    settings `yaml:"settings"`
}
