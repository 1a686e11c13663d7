package xmeld

import (
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// ReadAnforderung reads the tree of a 0300.
func ReadAnforderung(m *xoev.Message) (*Angefordert, error) {
	var r reader
	kopf := m.Kopf()
	betroffene := r.elem(m.Tree, "betroffene")
	d := &Angefordert{
		Wegzugsbehoerde: kopf.Leser, Zuzugsbehoerde: kopf.Autor, Anwenderkennung: r.text(m.Tree, "anwenderkennung"), Kopf: &kopf,
	}
	for _, p := range betroffene.All("identifikation.person") {
		d.Personen = append(d.Personen, Gesucht{r.registerName(p.Child("name")), r.partDate(r.elem(p, "geburt", "geburtsdatum"))})
	}
	if d.Personen == nil {
		r.elem(betroffene, "identifikation.person")
	}
	w := betroffene.Child("wegzugsanschrift")
	a := Wegzugsanschrift{
		AGS:     r.optional("S011", agsForm, w, "gemeindeschluessel", "code"),
		Strasse: w.Value("strasse"), Hausnummer: w.Value("hausnummer"),
		HausnummerZusatz: joined(" ", w.Value("hausnummerBuchstabeZusatzziffer"), w.Value("teilnummerDerHausnummer")),
		PLZ:              w.Value("postleitzahl"),
		Zusatz:           joined(", ", w.Value("zusatzangaben"), w.Value("stockwerkswohnungsnummer")),
	}
	if a != (Wegzugsanschrift{}) {
		d.Wegzugsanschrift = &a
	}
	return d, r.err
}

// ReadBereitstellung reads the tree of a 0301.
func ReadBereitstellung(m *xoev.Message) (*Bereitgestellt, error) {
	var r reader
	kopf := m.Kopf()
	d := &Bereitgestellt{
		Wegzugsbehoerde: kopf.Autor, Zuzugsbehoerde: kopf.Leser, Kopf: &kopf,
		Ursprung: r.ursprung(r.elem(m.Tree, "ursprungsnachricht")), Sperren: SperrenOf(m.Tree),
	}
	for _, p := range m.Tree.All("zuziehende.person") {
		d.Personen = append(d.Personen, r.gefunden(p))
	}
	if d.Personen == nil {
		r.elem(m.Tree, "zuziehende.person")
	}
	return d, r.err
}

func (r *reader) gefunden(p *xmlguard.Element) Gefunden {
	asked, known := r.elem(p, "anfrageprofil"), p.Child("personendaten")
	g := Gefunden{
		Status:       r.text(p, "antwortstatus", "code"),
		Name:         r.registerName(asked.Child("name")),
		Geburtsdatum: r.partDate(r.elem(asked, "geburt", "geburtsdatum")),
		Geschlecht:   r.optional("S011", sexForm, known, "geschlecht", "code"),
		Familienstand: r.optional("S011", familienstandForm, known,
			"familienstand", "familienstand", "code"),
	}
	for _, s := range known.All("staatsangehoerigkeit") {
		g.Staatsangehoerigkeiten = append(g.Staatsangehoerigkeiten, r.match("S011", countryForm, s, "code"))
	}
	for _, w := range known.All("aktuelleWohnung") {
		if g.Anschrift == nil {
			g.Anschrift = r.wohnung(w)
		}
	}
	return g
}

// ReadStatus reads the tree of a 1705, and gives the base64 text of the document
// that came with it, "" if none did. Kopf is filled; Original and Dokument are the
// caller's.
func ReadStatus(m *xoev.Message) (d *Mitgeteilt, pdf string, err error) {
	var r reader
	kopf := m.Kopf()
	wer := r.elem(m.Tree, "identifikation")
	code := r.text(m.Tree, "status", "code")
	text, known := gruende[code]
	if !known {
		r.fail("S011", m.Tree, []string{"status", "code"}, "has no allowed value")
	}
	d = &Mitgeteilt{
		Aktenzeichen: r.text(m.Tree, "aktenzeichen"), Status: Grund{Code: code, Text: text}, Kopf: &kopf,
		Ursprung: r.ursprung(r.elem(m.Tree, "ursprungsnachricht")),
		Person:   &Person{Name: r.personName(nil, wer), Geburtsdatum: r.partDate(r.elem(wer, "geburt", "geburtsdatum"))},
	}
	if m.Tree.Child("fristende") != nil {
		d.Fristende = r.date(m.Tree, "fristende")
	}
	return d, m.Tree.Value("pdfDokument"), r.err
}
