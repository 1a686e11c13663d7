package xmeld

import (
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// ReadRueckmeldung reads the tree of a 0201: one Gesandt for each person
// (betroffener), in the order of the message. Kopf is filled, Original is the
// caller's. What is not as XMeld demands gives a *StructureError.
func ReadRueckmeldung(m *xoev.Message) ([]*Gesandt, error) {
	var r reader
	var all []*Gesandt
	for _, verband := range m.Tree.All("umzugsverband") {
		for _, betroffener := range verband.All("betroffener") {
			all = append(all, r.gesandt(m, betroffener))
		}
	}
	switch {
	case len(all) == 0:
		r.elem(m.Tree, "umzugsverband", "betroffener")
	case len(all) > 1 && len(all) != len(m.Ereignisse):
		// Events are numbered by person, and cases are cut out by identifikation.ereignis.
		r.fail("X001", m.Tree, []string{"umzugsverband", "betroffener"}, "do not have one identifikation.ereignis each")
	}
	return all, r.err
}

func (r *reader) gesandt(m *xoev.Message, betroffener *xmlguard.Element) *Gesandt {
	kopf := m.Kopf()
	zuziehend := r.elem(betroffener, "zuzugsperson")
	d := &Gesandt{
		Wegzugsbehoerde: kopf.Leser, Zuzugsbehoerde: kopf.Autor, NachrichtenUUID: kopf.NachrichtenUUID,
		Gesandt:            kopf.Erstellungszeitpunkt,
		Ereignis:           r.ereignis(betroffener, "identifikation.ereignis"),
		Person:             r.zuzugsperson(zuziehend),
		BisherigeAnschrift: r.wohnung(betroffener.At("identifikation.betroffener", "wohnung.leser")),
		Sperren:            SperrenOf(betroffener),
		Kopf:               &kopf,
	}
	r.elem(betroffener, "identifikation.ereignis") // what is one case here must be one everywhere
	if neu := newDwelling(zuziehend.All("WOHNUNG"), m.Autor.Kennung); neu != nil {
		d.Anschrift = r.wohnung(neu)
		d.Einzug = r.bezug(neu.Child("datumDesBeziehens"))
		d.Wohnungsstatus = r.optional("S011", statusForm, neu, "statusderwohnung", "code")
	}
	return d
}

func (r *reader) zuzugsperson(e *xmlguard.Element) *Person {
	p := &Person{
		Name:          r.registerName(e.Child("NAMENATUERLICHEPERSON")),
		Geburtsdatum:  r.maybeDate(e.At("GEBURT", "geburtsdatum")),
		Geschlecht:    r.optional("S011", sexForm, e, "GESCHLECHT", "code"),
		Familienstand: r.optional("S011", familienstandForm, e, "FAMILIENSTAND", "familienstand", "code"),
	}
	for _, s := range e.All("STAATSANGEHOERIGKEIT") {
		p.Staatsangehoerigkeiten = append(p.Staatsangehoerigkeiten, r.match("S011", countryForm, s, "code"))
	}
	return p
}

// newDwelling is the dwelling in the author's own municipality; of others the
// first in Germany that nobody moved out of.
func newDwelling(all []*xmlguard.Element, autor string) *xmlguard.Element {
	var first *xmlguard.Element
	for _, w := range all {
		a := inland(w)
		switch {
		case a == nil:
		case "ags:"+a.Value("gemeindeschluessel", "code") == strings.ToLower(autor):
			return w
		case first == nil && w.Child("datumDesAuszugs") == nil:
			first = w
		}
	}
	return first
}

// inland finds the Meldeanschrift in a dwelling: XMeld wraps it twice, once for
// the kind of address and once for the Sperrvermerk.
func inland(wohnung *xmlguard.Element) *xmlguard.Element {
	e := wohnung.At("anschrift", "anschrift.inland")
	if inner := e.Child("anschrift.inland"); inner != nil {
		return inner
	}
	return e
}

// wohnung reads a dwelling's address in Germany, nil if it has none.
func (r *reader) wohnung(e *xmlguard.Element) *Anschrift {
	found := inland(e)
	if found == nil {
		return nil
	}
	a := r.anschrift(found)
	return &a
}

// ReadAuswertung reads the tree of a 0203.
func ReadAuswertung(m *xoev.Message) (*Ausgewertet, error) {
	var r reader
	kopf := m.Kopf()
	betroffener := r.elem(m.Tree, "betroffener")
	d := &Ausgewertet{
		Wegzugsbehoerde: kopf.Autor, Zuzugsbehoerde: &kopf.Leser,
		Ursprung:          r.ursprung(r.elem(m.Tree, "ursprungsnachricht")),
		Ausgewertet:       kopf.Erstellungszeitpunkt,
		Abweichungen:      abweichungen(m.Tree.Child("abweichungen")),
		Ursprungsereignis: r.ereignis(m.Tree, "ursprungsereignis"),
		Ereignis:          r.ereignis(m.Tree, "identifikation.ereignis"),
		Person:            r.identified(betroffener),
		Anschrift:         r.wohnung(betroffener.Child("wohnung.leser")),
		Sperren:           SperrenOf(m.Tree),
		Kopf:              &kopf,
	}
	return d, r.err
}

// abweichungen names the groups: familienname.unstrukturiert is familienname,
// hauptwohnung.bisher is hauptwohnungBisher.
func abweichungen(e *xmlguard.Element) []string {
	names := []string{}
	if e == nil {
		return names
	}
	for _, c := range e.Children {
		words := strings.Split(strings.TrimSuffix(c.Local, ".unstrukturiert"), ".")
		for i, w := range words[1:] {
			if w != "" {
				words[i+1] = strings.ToUpper(w[:1]) + w[1:]
			}
		}
		if name := strings.Join(words, ""); groupForm.MatchString(name) && len(names) < 40 {
			names = append(names, name)
		}
	}
	return names
}

// ReadTod reads the tree of a 0040.
func ReadTod(m *xoev.Message) (*TodFortgeschrieben, error) {
	var r reader
	kopf := m.Kopf()
	betroffener := r.elem(m.Tree, "betroffener")
	tod := r.elem(m.Tree, "tod")
	d := &TodFortgeschrieben{
		Leser: kopf.Leser, Person: *r.identified(betroffener), Anschrift: r.wohnung(betroffener.Child("wohnung.leser")),
		Sterbetag: PartDate{Given: true}, Sterbeort: tod.Value("sterbeort"),
		Nachweis: r.nachweis(m.Tree.Child("nachweis.tod")), Sperren: SperrenOf(m.Tree), Kopf: &kopf,
	}
	if tod.Child("sterbetag") != nil {
		d.Sterbetag.Value = r.date(tod, "sterbetag")
	}
	return d, r.err
}

func (r *reader) nachweis(e *xmlguard.Element) *Nachweis {
	wer := e.Child("behoerdeoderaktenzeichen")
	n := Nachweis{
		Beschreibung: e.Value("dokumentbeschreibung"),
		Behoerde: joined("", wer.Value("behoerdeaktenzeichen.getrennt", "behoerde"),
			wer.Value("behoerdeaktenzeichen.konkateniert", "behoerdeaktenzeichen")),
		Aktenzeichen: wer.Value("behoerdeaktenzeichen.getrennt", "aktenzeichen"),
	}
	if e.Child("datum") != nil {
		n.Datum = r.date(e, "datum")
	}
	if n == (Nachweis{}) {
		return nil
	}
	return &n
}

// ReadAnschrift reads the tree of a 0090.
func ReadAnschrift(m *xoev.Message) (*AnschriftFortgeschrieben, error) {
	var r reader
	kopf := m.Kopf()
	wer := r.elem(m.Tree, "identifikation.betroffenePerson")
	d := &AnschriftFortgeschrieben{
		Leser: kopf.Leser, Person: *r.identified(wer), Anlass: r.text(m.Tree, "anlass", "code"),
		BisherigeAnschrift: r.anschrift(r.elem(m.Tree, "anschrift.alt", "anschrift.inland")),
		Anschrift:          r.anschrift(r.elem(m.Tree, "anschrift.neu", "anschrift.inland")),
		AnschriftBeimLeser: r.wohnung(wer.Child("wohnung.leser")),
		Ereignis:           r.ereignis(m.Tree, "identifikation.ereignis"),
		Sperren:            SperrenOf(m.Tree), Kopf: &kopf,
	}
	return d, r.err
}

// identified reads by what a message lets its reader find a person: a name, and
// the birth as far as it is told.
func (r *reader) identified(e *xmlguard.Element) *Person {
	return &Person{
		Name:         r.registerName(e.Child("name")),
		Geburtsdatum: r.maybeDate(e.At("geburt", "geburtsdatum")),
		Geburtsort:   e.Value("geburt", "geburtsort"),
	}
}
