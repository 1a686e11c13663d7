package xmeld

import (
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Typed says whether a message with this root has event data of its own, for
// xoev.Read.
func Typed(root *xmlguard.Element) bool {
	h := xoev.Header{Element: root.Local}
	standard, _ := root.Attr("standard")
	switch {
	case standard == Standard:
		return slices.Contains(ownXMeld, h.Number())
	case strings.HasPrefix(root.Space, xinneresSpace):
		return h.Number() == Rueckweisung || h.Number() == SachverhaltQuit
	}
	return false
}

// Current says whether a message is of the version that the readers were written
// for. In another one an element may rightly be elsewhere: that it is not found
// says nothing against the message.
func Current(h *xoev.Header) bool {
	return slices.Contains([]string{xmeldEdition.namespace, xinneresEdition.namespace, quittungEdition.namespace}, h.Namespace)
}

// xinneresSpace begins the namespaces of the messages that are versioned with
// XInneres: rueckweisung/6, quittung/3.
const xinneresSpace = "http://www.osci.de/xinneres/"

var ownXMeld = []string{
	Rueckmeldung, Auswertung, Tod, AnschriftNeu, Anforderung, Bereitstellung, Quittung, Meldeschein, Status, Ergebnis,
}

// ReadMeldeschein reads the tree of a 1704. Kopf is filled, Original is the
// caller's. Sperren has the blocks of partner and children, too: they move along.
// What is not as XMeld demands gives a *StructureError.
func ReadMeldeschein(m *xoev.Message) (*Eingegangen, error) {
	var r reader
	identifikation := r.elem(m.Tree, "identifikation")
	berechtigt := r.elem(m.Tree, "berechtigtePerson")
	personendaten := r.elem(berechtigt, "bestaetigteMeldedaten", "personendaten")
	wohnung := r.elem(m.Tree, "ergaenzendeMeldedaten", "wohnung")
	kopf := m.Kopf()
	d := &Eingegangen{
		Person:         r.person(personendaten, identifikation),
		Anschrift:      r.anschrift(r.elem(wohnung, "anschrift")),
		Einzug:         r.date(wohnung, "datumDesBeziehens"),
		Wohnungsstatus: r.match("S011", statusForm, berechtigt, "statusDerNeuenWohnung", "code"),
		Sperren:        SperrenOf(m.Blocks...),
		Kopf:           &kopf,
	}
	if alt := personendaten.At("wohnung", "anschrift", "anschrift.inland"); alt != nil {
		a := r.anschrift(alt)
		d.BisherigeAnschrift = &a
	}
	return d, r.err
}

func (r *reader) person(daten, identifikation *xmlguard.Element) Person {
	p := Person{Name: r.personName(daten.Child("name"), identifikation)}
	geburt := daten.At("geburtsangaben", "geburtsdatum")
	if geburt == nil {
		geburt = r.elem(identifikation, "geburt", "geburtsdatum")
	}
	p.Geburtsdatum = r.partDate(geburt)
	p.Geschlecht = r.match("S011", sexForm, daten, "geschlecht", "code")
	for _, s := range daten.All("staatsangehoerigkeit") {
		p.Staatsangehoerigkeiten = append(p.Staatsangehoerigkeiten, r.match("S011", countryForm, s, "code"))
	}
	if p.Staatsangehoerigkeiten == nil {
		r.elem(daten, "staatsangehoerigkeit")
	}
	p.Familienstand = r.match("S011", familienstandForm, daten, "familienstand", "familienstand", "code")
	return p
}

// Result is what a 1707 says: one of the two, and the base64 text of the
// document that came with it, "" if none did.
type Result struct {
	Angenommen      *Angenommen
	Zurueckgewiesen *Zurueckgewiesen
	PDF             string
}

// ReadErgebnis reads the tree of a 1707. Kopf is filled; Original,
// Meldebestaetigung and Bescheid are the caller's. What is not as XMeld demands gives a
// *StructureError. Of several persons the first is read.
func ReadErgebnis(m *xoev.Message) (*Result, error) {
	var r reader
	result := r.elem(m.Tree, "ergebnis")
	identifikation := r.elem(m.Tree, "identifikation")
	kopf := m.Kopf()
	az, ursprung := r.text(m.Tree, "aktenzeichen"), r.ursprung(r.elem(m.Tree, "ursprungsnachricht"))
	if ablehnung := result.Child("ablehnung"); ablehnung != nil {
		d := &Zurueckgewiesen{Aktenzeichen: az, Ursprung: ursprung, Kopf: &kopf}
		d.Grund = r.grund(ablehnung)
		d.Person = &Person{
			Name:         r.personName(nil, identifikation),
			Geburtsdatum: r.partDate(r.elem(identifikation, "geburt", "geburtsdatum")),
		}
		return &Result{Zurueckgewiesen: d, PDF: ablehnung.Value("pdfDokument")}, r.err
	}
	person := r.elem(result, "anmeldung", "zuziehendePerson")
	d := r.angenommen(r.elem(person, "meldebestaetigung"), identifikation)
	d.Aktenzeichen, d.Ursprung, d.Kopf = az, ursprung, &kopf
	return &Result{Angenommen: d, PDF: r.elem(person, "pdfDokument").Value()}, r.err
}

func (r *reader) angenommen(bestaetigung, identifikation *xmlguard.Element) *Angenommen {
	wohnung := r.elem(bestaetigung, "wohnung")
	d := &Angenommen{
		Person: Person{
			Name:         r.personName(bestaetigung.Child("name"), identifikation),
			Geburtsdatum: r.partDate(r.elem(bestaetigung, "geburtsdatum")),
		},
		Anschrift:      r.anschrift(r.elem(wohnung, "anschrift")),
		Einzug:         PartDate{Given: true},
		Anmeldung:      r.date(wohnung, "datumAnmeldungBeiAnmeldebehoerde"),
		Wohnungsstatus: r.match("S011", statusForm, wohnung, "statusderwohnung", "code"),
	}
	if bezug := r.elem(wohnung, "datumDesBeziehens"); bezug.Child("unbekannt") == nil {
		d.Einzug.Value = r.date(bezug, "datum")
	}
	return d
}

func (r *reader) ursprung(e *xmlguard.Element) Ursprung {
	return Ursprung{
		NachrichtenUUID:      strings.ToLower(r.match("X001", uuidForm, e, "nachrichtenUUID")),
		Code:                 r.text(e, "nachrichtentyp", "code"),
		Erstellungszeitpunkt: xoev.WithZone(r.text(e, "erstellungszeitpunkt")),
	}
}

// gruende is the code list anmeldung.status, version 1, in the words of XMeld
// 25.11a.
var gruende = map[string]string{
	"01": "Die Anmeldung kann im elektronischen Verfahren fortgeführt werden. Es wird ein Bestätigungscode versendet.",
	"02": "Die Anmeldung kann im elektronischen Verfahren nicht fortgeführt werden.",
	"03": "Der Bestätigungscode ist ungültig.",
}

func (r *reader) grund(ablehnung *xmlguard.Element) Grund {
	code := r.text(ablehnung, "status", "code")
	text, known := gruende[code]
	if !known {
		r.fail("S011", ablehnung, []string{"status", "code"}, "has no allowed value")
	}
	return Grund{Code: code, Text: text}
}
