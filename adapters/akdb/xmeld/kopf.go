package xmeld

import (
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
)

// edition is a standard in the version that is written.
type edition struct {
	prefix, namespace, standard, version string
	nachrichten                          list
}

var (
	xmeldEdition = edition{"xmeld", "http://www.osci.de/xmeld2511a", Standard, "25.11a", listNachrichten}
	// xinneres is the Rückweisung; it is versioned apart from the standards
	// whose messages it sends back.
	xinneresEdition = edition{"xirts", "http://www.osci.de/xinneres/rueckweisung/6", StandardRueckweisung, "6", listXInneres}
)

// Envelope is what a message says about itself beside its content.
type Envelope struct {
	UUID    string // nachrichtenUUID
	Created time.Time
	Test    *string // root attribute; nil for none
	Autor   Behoerde
	Leser   Behoerde
	Produkt Produkt
}

// Produkt is the software that a message names as its maker.
type Produkt struct {
	Name       string `yaml:"name"`
	Hersteller string `yaml:"hersteller"`
	Version    string `yaml:"version"`
}

// Behoerde is an authority in a header that is written.
type Behoerde struct {
	Kennung   string         `yaml:"kennung"` // DVDV key: ags:09162000
	Name      string         `yaml:"name"`
	Email     string         `yaml:"email"`
	Anschrift *Postanschrift `yaml:"anschrift"`
}

// Postanschrift is where an authority gets its post.
type Postanschrift struct {
	Strasse    string `yaml:"strasse"`
	Hausnummer string `yaml:"hausnummer"`
	PLZ        string `yaml:"plz"`
	Ort        string `yaml:"ort"`
}

// AsAutor says what an authority lacks to be a message's author, "" if nothing:
// XMeld wants the author's e-mail address and postal address.
func (b Behoerde) AsAutor() (lacks string) {
	switch {
	case b.Kennung == "":
		return "kennung"
	case b.Name == "":
		return "name"
	case b.Email == "":
		return "email"
	case b.Anschrift == nil:
		return "anschrift"
	}
	return b.Anschrift.lacks()
}

func (a Postanschrift) lacks() string {
	switch {
	case a.Strasse == "":
		return "anschrift.strasse"
	case a.PLZ == "":
		return "anschrift.plz"
	case a.Ort == "":
		return "anschrift.ort"
	}
	return ""
}

// message puts the body into a complete message of XMeld.
func (v Envelope) message(name, code string, body ...elem) ([]byte, error) {
	return v.messageOf(xmeldEdition, name, code, body...)
}

func (v Envelope) messageOf(ed edition, name, code string, body ...elem) ([]byte, error) {
	if lacks := v.Autor.AsAutor(); lacks != "" {
		return nil, unmappable("autor", "has no %s", lacks)
	}
	if v.Leser.Kennung == "" || v.Leser.Name == "" {
		return nil, unmappable("leser", "has no kennung or no name")
	}
	root := elem{Name: ed.prefix + ":" + name + "." + code, Attrs: v.attributes(ed)}
	root.Kids = append([]elem{
		el("nachrichtenkopf.g2g",
			el("identifikation.nachricht",
				tx("nachrichtenUUID", strings.ToLower(v.UUID)),
				cd("nachrichtentyp", ed.nachrichten, code),
				tx("erstellungszeitpunkt", xoev.FormatTime(v.Created)),
			),
			v.Leser.elem("leser"),
			v.Autor.elem("autor"),
		),
		v.Leser.Anschrift.elem("anschrift.leser"),
		v.Autor.Anschrift.elem("anschrift.autor"),
	}, body...)
	return render(root)
}

func (v Envelope) attributes(ed edition) []attr {
	attrs := []attr{
		{Name: "xmlns:" + ed.prefix, Value: ed.namespace},
		{Name: "produkt", Value: v.Produkt.Name},
		{Name: "produkthersteller", Value: v.Produkt.Hersteller},
	}
	if v.Produkt.Version != "" {
		attrs = append(attrs, attr{Name: "produktversion", Value: v.Produkt.Version})
	}
	attrs = append(attrs, attr{Name: "standard", Value: ed.standard}, attr{Name: "version", Value: ed.version})
	if v.Test != nil {
		attrs = append(attrs, attr{Name: "test", Value: *v.Test})
	}
	return attrs
}

func (b Behoerde) elem(name string) elem {
	var erreichbarkeit elem
	if b.Email != "" {
		erreichbarkeit = el("erreichbarkeit", cd("kanal", listKanal, "01"), tx("kennung", b.Email))
	}
	return el(name, cd("verzeichnisdienst", listVerzeichnis, "DVDV"), tx("kennung", b.Kennung), tx("name", b.Name), erreichbarkeit)
}

func (a *Postanschrift) elem(name string) elem {
	if a == nil {
		return elem{}
	}
	return el(name, el("gebaeude",
		opt("hausnummer", a.Hausnummer), tx("postleitzahl", a.PLZ), tx("strasse", a.Strasse), tx("wohnort", a.Ort)))
}
