package xmeld

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// ReadRueckweisung reads the tree of a 0010. If it does not name the message that
// it sends back (idNachricht), the message itself, which is always in it, does.
func ReadRueckweisung(m *xoev.Message) (*Zurueckweisung, error) {
	var r reader
	kopf := m.Kopf()
	e := r.elem(m.Tree, "rueckweisung")
	d := &Zurueckweisung{
		Empfaenger: kopf.Leser, Gruende: r.rueckweisgruende(e, "rueckweisungsgrund"), Kopf: &kopf,
		Stelle:             cut(e.Value("rueckweisendeStelle", "pruefinstanz"), 500),
		Transportnachricht: cut(e.Value("transportinformationen", "nachrichtenId"), 500),
	}
	d.Ursprung, d.Sperren = r.sentBack(e)
	for _, fall := range e.All("nichtVerarbeitbarerEinzelfall") {
		if len(d.Faelle) == maxFaelle {
			break // the original has them all
		}
		if id := r.ereignis(fall, "identifikation.ereignis"); id != nil {
			d.Faelle = append(d.Faelle, Zurueckgewiesner{Ereignis: *id, Gruende: r.rueckweisgruende(fall, "grund")})
		}
	}
	return d, r.err
}

const (
	maxFaelle  = 1000
	maxGruende = 50
	maxAngaben = 20
)

func (r *reader) rueckweisgruende(e *xmlguard.Element, name string) []Rueckweisgrund {
	var all []Rueckweisgrund
	for _, g := range e.All(name) {
		if len(all) == maxGruende {
			break
		}
		grund := Rueckweisgrund{Code: cut(r.text(g, "grund", "code"), 20)}
		grund.Text = fehlercodes[grund.Code]
		for _, s := range g.All("grundSpezifisch") {
			said := joined(": ", s.Value("fehlercode", "code"), s.Value("fehlerbeschreibung"))
			if said != "" && len(grund.Angaben) < maxAngaben {
				grund.Angaben = append(grund.Angaben, cut(said, 4000))
			}
		}
		all = append(all, grund)
	}
	if all == nil {
		r.elem(e, name)
	}
	return all
}

// sentBack is which message was sent back, nil when nothing tells, and the blocks
// in it: the original shows what it shows. It may have been sent back because nobody
// can read it; then there may be a block.
func (r *reader) sentBack(e *xmlguard.Element) (*Ursprung, *Sperren) {
	var u *Ursprung
	if id := e.Child("idNachricht"); id != nil {
		told := r.ursprung(id)
		u = &told
	}
	content := base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.Join(strings.Fields(e.Value("nachricht")), "")))
	m, err := xoev.Read(content, xmlguard.Limits{}, nil)
	if err != nil {
		return u, &Sperren{Auskunftssperre: true}
	}
	if _, err := xoev.ParseTime(m.Created); u == nil && err == nil && uuidForm.MatchString(m.UUID) && m.Number() != "" {
		u = &Ursprung{NachrichtenUUID: m.UUID, Code: m.Number(), Erstellungszeitpunkt: xoev.WithZone(m.Created)}
	}
	return u, SperrenIn(m)
}

// ReadQuittung reads the tree of a 0020 (XInneres) or 1101 (XMeld). A 1101 names
// the delivery by its number and the cases with errors. Of the 0020 the XSD of
// version 3 was seen (quittungEdition), of others none: the message that it answers
// is looked for under every name that answers use, and need not be there.
func ReadQuittung(m *xoev.Message) (*Quittiert, error) {
	var r reader
	kopf := m.Kopf()
	d := &Quittiert{Empfaenger: kopf.Leser, Kopf: &kopf, Ereignisse: wellFormedOf(m.Ereignisse)}
	if e := named(m.Tree, "ursprungsnachricht", "idNachricht", "identifikation.nachricht.ursprung"); e != nil {
		var told reader
		if u := told.ursprung(e); told.err == nil {
			d.Ursprung = &u
		}
	}
	if e := m.Tree.Child("xmeldit.quittierung"); e != nil {
		d.Lieferung = r.count(e, "laufende.nummer.der.lieferung")
		d.Saetze = &Saetze{
			Gelesen: r.count(e, "saetze.gelesen"), Zurueckgewiesen: r.count(e, "saetze.zurueckgewiesen"), Gemeldet: r.count(e, "saetze.meldung"),
		}
	}
	if e := m.Tree.At("quittung", "ursprungsereignis"); e != nil {
		d.Ereignisse = append(d.Ereignisse, wellFormedOf([]xoev.Ereignis{
			{Zeitpunkt: e.Value("ereignis.zeitpunkt"), Zeichen: e.Value("ereignis.zeichen")},
		})...)
	}
	for _, meldung := range m.Tree.All("meldung") {
		if e := r.ereignis(meldung, "ursprungsereignis"); e != nil && len(d.Ereignisse) < xoev.MaxEreignisse {
			d.Ereignisse = append(d.Ereignisse, *e)
		}
	}
	return d, r.err
}

func wellFormedOf(all []xoev.Ereignis) []xoev.Ereignis {
	var good []xoev.Ereignis
	for _, e := range all {
		if e, ok := wellFormed(e); ok {
			good = append(good, e)
		}
	}
	return good
}

// count gives a number that counts something.
func (r *reader) count(e *xmlguard.Element, name string) int64 {
	n, err := strconv.ParseInt(r.text(e, name), 10, 64)
	if err != nil || n < 0 || n > 1e15 {
		r.fail("X001", e, []string{name}, "is no number that can be")
	}
	return n
}

// named finds the first element below the body of that name, wherever it stands.
func named(e *xmlguard.Element, names ...string) *xmlguard.Element {
	for _, c := range e.Children {
		for _, n := range names {
			if c.Local == n {
				return c
			}
		}
		if strings.HasPrefix(c.Local, "nachrichtenkopf") {
			continue // names the message itself
		}
		if found := named(c, names...); found != nil {
			return found
		}
	}
	return nil
}

func cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most])
}
