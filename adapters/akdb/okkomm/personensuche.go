package okkomm

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Abruf says who asks and why (XMeld 25.11a, type.Datenabruf.DatenAbrufendeStelle).
type Abruf struct {
	Autor, Leser        xmeld.Behoerde
	Produkt             xmeld.Produkt
	Sicherheitsbehoerde bool
	Aktenzeichen        string
	Anlass              string
	Kennung             string   // of the person or place that asks
	Elemente            []string // codes of what is wanted (Anforderungselement); at least one
	Test                *string  // root attribute test; nil for none
	// VerzichtAufMitteilung: if the answer is neutral, the authority need not go on with
	// the question by hand and tell the outcome later (§ 38 (5) BMG, § 4 (3) BMeldDAV).
	VerzichtAufMitteilung bool
}

// Suchprofil is whom a Personensuche looks for. All but PLZ and Geschlecht are
// mandatory here: a wider question is not asked.
type Suchprofil struct {
	Familienname, Vornamen string
	Geburtsdatum           string // 1985-08-12, 1985-08 or 1985
	AGS, PLZ               string
	Geschlecht             string // m, w, d, x
}

// WritePersonensuche writes datenabruf.personensuche.suchanfrage.1330.
func WritePersonensuche(uuid string, at time.Time, a Abruf, p Suchprofil) ([]byte, error) {
	if err := errors.Join(a.Check(), p.check()); err != nil {
		return nil, err
	}
	w := &xmlWriter{}
	w.b.WriteString(xml.Header)
	root := []string{
		"xmlns:xmeld", "http://www.osci.de/xmeld2511a", "produkt", a.Produkt.Name, "produkthersteller", a.Produkt.Hersteller,
		"standard", "XMeld", "version", "25.11a",
	}
	if a.Test != nil {
		root = append(root, "test", *a.Test)
	}
	w.open("xmeld:datenabruf.personensuche.suchanfrage.1330", root...)
	w.kopf(uuid, at, a)
	w.stelle(a)
	w.profil(p)
	w.open("xmeld:steuerungsinformationen")
	for _, e := range a.Elemente {
		w.code("xmeld:anforderungselement", e)
	}
	if a.VerzichtAufMitteilung {
		w.text("xmeld:verzichtAufMitteilung", "true") // the only value that the schema has
	}
	w.close("xmeld:steuerungsinformationen", "xmeld:datenabruf.personensuche.suchanfrage.1330")
	return w.b.Bytes(), w.err
}

// Check says what a question lacks to be written; it names fields alone.
func (a Abruf) Check() error {
	switch lacks := a.Autor.AsAutor(); {
	case lacks != "":
		return fmt.Errorf("person search: the author has no %s", lacks)
	case a.Leser.Kennung == "" || a.Leser.Name == "":
		return errors.New("person search: the reader has no kennung or name")
	case a.Aktenzeichen == "" || a.Anlass == "" || a.Kennung == "":
		return errors.New("person search: aktenzeichen, anlass or kennung is missing")
	case len(a.Elemente) == 0:
		return errors.New("person search: it asks for nothing (Anforderungselement)")
	}
	return nil
}

func (p Suchprofil) check() error {
	switch {
	case p.Familienname == "":
		return errors.New("person search: familienname is missing")
	case p.Vornamen == "":
		return errors.New("person search: vornamen is missing")
	case !partDate.MatchString(p.Geburtsdatum):
		return errors.New("person search: geburtsdatum is missing or no date")
	case len(p.AGS) != 8:
		return errors.New("person search: ags is missing or has not 8 digits")
	}
	return nil
}

var partDate = regexp.MustCompile(`^[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?$`)

// dateElement names the element of a partly known date by its length.
var dateElement = map[int]string{4: "jahr", 7: "jahrMonat", 10: "jahrMonatTag"}

// xmlWriter writes elements in the order that the schema wants.
type xmlWriter struct {
	writer
	err error
}

func (w *xmlWriter) open(name string, attrs ...string) {
	w.b.WriteString("<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		w.b.WriteString(" " + attrs[i] + `="`)
		w.escape(attrs[i], attrs[i+1])
		w.b.WriteByte('"')
	}
	w.b.WriteByte('>')
}

func (w *xmlWriter) close(names ...string) {
	for _, name := range names {
		w.b.WriteString("</" + name + ">")
	}
}

// text writes an element, or nothing when there is no text.
func (w *xmlWriter) text(name, value string) {
	if value != "" {
		w.open(name)
		w.escape(name, value)
		w.close(name)
	}
}

func (w *xmlWriter) code(name, value string, attrs ...string) {
	w.open(name, attrs...)
	w.text("code", value)
	w.close(name)
}

func (w *xmlWriter) escape(name, value string) {
	if strings.ContainsFunc(value, unicode.IsControl) && w.err == nil {
		w.err = fmt.Errorf("person search: %s has a control character", name)
	}
	_ = xml.EscapeText(&w.b, []byte(value)) // a bytes.Buffer does not fail
}

func (w *xmlWriter) kopf(uuid string, at time.Time, a Abruf) {
	w.open("nachrichtenkopf.g2g")
	w.open("identifikation.nachricht")
	w.text("nachrichtenUUID", strings.ToLower(uuid))
	w.code("nachrichtentyp", "1330", "listURI", "urn:de:xmeld:schluesseltabelle:xmeld.nachrichten", "listVersionID", "25.11a")
	w.text("erstellungszeitpunkt", xoev.FormatTime(at))
	w.close("identifikation.nachricht")
	w.behoerde("leser", a.Leser)
	w.behoerde("autor", a.Autor)
	w.close("nachrichtenkopf.g2g")
	w.anschrift("anschrift.leser", a.Leser.Anschrift)
	w.anschrift("anschrift.autor", a.Autor.Anschrift)
}

func (w *xmlWriter) behoerde(name string, b xmeld.Behoerde) {
	w.open(name)
	w.code("verzeichnisdienst", "DVDV", "listVersionID", "3")
	w.text("kennung", b.Kennung)
	w.text("name", b.Name)
	w.email("erreichbarkeit", b.Email)
	w.close(name)
}

func (w *xmlWriter) email(name, address string) {
	if address == "" {
		return
	}
	w.open(name)
	w.code("kanal", "01", "listVersionID", "3")
	w.text("kennung", address)
	w.close(name)
}

func (w *xmlWriter) anschrift(name string, a *xmeld.Postanschrift) {
	if a == nil {
		return
	}
	w.open(name)
	w.open("gebaeude")
	w.text("hausnummer", a.Hausnummer)
	w.text("postleitzahl", a.PLZ)
	w.text("strasse", a.Strasse)
	w.text("wohnort", a.Ort)
	w.close("gebaeude", name)
}

func (w *xmlWriter) stelle(a Abruf) {
	w.open("xmeld:datenAbrufendeStelle")
	w.text("xmeld:sicherheitsbehoerde", fmt.Sprint(a.Sicherheitsbehoerde))
	w.open("xmeld:abrufberechtigteStelle")
	w.email("xmeld:erreichbarkeit", a.Autor.Email)
	w.anschrift("xmeld:anschrift", a.Autor.Anschrift)
	w.text("xmeld:behoerdenname", a.Autor.Name)
	w.close("xmeld:abrufberechtigteStelle")
	w.text("xmeld:aktenzeichen", a.Aktenzeichen)
	w.text("xmeld:anlassDesAbrufs", a.Anlass)
	w.text("xmeld:kennung", a.Kennung)
	w.close("xmeld:datenAbrufendeStelle")
}

func (w *xmlWriter) profil(p Suchprofil) {
	w.open("xmeld:suchprofil")
	w.open("xmeld:auswahldaten")
	w.open("xmeld:name")
	w.open("xmeld:name")
	w.open("xmeld:nachnameUndVornamen")
	w.open("xmeld:vornamen")
	w.text("name", p.Vornamen)
	w.close("xmeld:vornamen")
	w.open("xmeld:nachname")
	w.text("name", p.Familienname)
	w.close("xmeld:nachname", "xmeld:nachnameUndVornamen", "xmeld:name", "xmeld:name")
	w.open("xmeld:anschrift")
	w.code("gemeindeschluessel", p.AGS, "listVersionID", "2025-01-31")
	w.text("postleitzahl", p.PLZ)
	w.close("xmeld:anschrift")
	w.open("xmeld:geburtsdatum")
	w.open("xmeld:geburtsdatum")
	w.open("teilbekanntesDatum")
	w.text(dateElement[len(p.Geburtsdatum)], p.Geburtsdatum)
	w.close("teilbekanntesDatum", "xmeld:geburtsdatum", "xmeld:geburtsdatum")
	if p.Geschlecht != "" {
		w.code("xmeld:geschlecht", p.Geschlecht, "listVersionID", "1")
	}
	w.close("xmeld:auswahldaten", "xmeld:suchprofil")
}

// Auskunft is what a 1331 answers.
type Auskunft struct {
	// Rueckweisung are the codes why the question cannot be answered
	// (Datenabruf.Nichterstellung.Grund); then the rest is empty.
	Rueckweisung []string
	// Ergebnisstatus is the code of datenabruf.ergebnisstatus.
	Ergebnisstatus string
	// Personen are the persons found, as trees; what they hold depends on what
	// was asked for.
	Personen []*xmlguard.Element
}

// Verringert tells whether the answer says of a person that their data are those of
// § 13 (2) BMG (verringerterDatenumfang), which are for few purposes: of such a person
// nothing must go into an event.
func Verringert(person *xmlguard.Element) bool {
	e := person.Child("personendaten").Child("verringerterDatenumfang")
	return IsVerringert(e) && e.Value() != "false" && e.Value() != "0"
}

// IsVerringert tells whether this is the element that says so.
func IsVerringert(e *xmlguard.Element) bool { return e != nil && e.Local == "verringerterDatenumfang" }

// Personensuche asks for a person by XoevService and reads the 1331.
func (c *Client) Personensuche(ctx context.Context, question []byte) (*Auskunft, error) {
	answer, err := c.Ask(ctx, question)
	if err != nil {
		return nil, err
	}
	return ReadAuskunft(answer.Bytes)
}

// ReadAuskunft reads a datenabruf.personensuche.antwort.1331.
func ReadAuskunft(message []byte) (*Auskunft, error) {
	doc, err := xmlguard.Read(strings.NewReader(string(message)), limits(), func(int, *xmlguard.Element) bool { return true })
	if err != nil {
		return nil, eai.BadAnswer("no XML: " + err.Error())
	}
	answer := doc.Root.Child("antwortSuchanfrage")
	if !strings.HasSuffix(doc.Root.Local, ".1331") || answer == nil {
		return nil, eai.BadAnswer("the answer is no XMeld 1331")
	}
	a := &Auskunft{Ergebnisstatus: answer.Value("auskunft", "ergebnisstatus", "code"), Personen: answer.Child("auskunft").All("person")}
	for _, r := range answer.All("rueckweisung") {
		a.Rueckweisung = append(a.Rueckweisung, r.Value("grundDerRueckweisung", "code"))
	}
	if a.Ergebnisstatus == "" && len(a.Rueckweisung) == 0 {
		return nil, eai.BadAnswer("the answer is neither an Auskunft nor a Rückweisung")
	}
	return a, nil
}
