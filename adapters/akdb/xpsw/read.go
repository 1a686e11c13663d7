package xpsw

import (
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// geburt reads a 031010: identifikationPerson, elternteil1, elternteil2, kind,
// geburtseintragKind.
func (r *reader) geburt(e *xmlguard.Element, kopf *xoev.Kopf) *Beurkundet {
	kind := e.Child("kind")
	d := &Beurkundet{
		Meldebehoerde: kopf.Leser, Eintrag: r.eintrag(e.Child("geburtseintragKind"), kopf),
		Kind: r.person(kind), Mutter: r.person(e.Child("elternteil1")),
		Sperren: xmeld.SperrenOf(e), Kopf: kopf,
	}
	d.Kind.Geburtsort = short(kind.Value("geburtsangaben", "geburtsort", "ort"), 200)
	d.Kind.Geschlecht = r.sex(kind)
	d.Mutter.Anschrift = anschrift(e.At("elternteil1", "anschrift", "anschrift"))
	if other := e.Child("elternteil2"); other != nil {
		p := r.person(other)
		d.AndererElternteil = &p
	}
	return d
}

// sterbefall reads a 035010: identifikationPerson, sterbeeintrag.
func (r *reader) sterbefall(e *xmlguard.Element, kopf *xoev.Kopf) *Gestorben {
	wer, eintrag := e.Child("identifikationPerson"), e.Child("sterbeeintrag")
	d := &Gestorben{
		Meldebehoerde: kopf.Leser, Eintrag: r.eintrag(eintrag, kopf), Person: r.person(wer),
		Anschrift: anschrift(wer.At("anschrift", "anschrift")),
		Sterbetag: r.date(eintrag.Child("wirksamkeitsdatum")),
		Sterbeort: short(eintrag.Value("ereignisOrt", "ort"), 200),
		Sperren:   xmeld.SperrenOf(e), Kopf: kopf,
	}
	d.Person.Geschlecht = r.sex(wer)
	return d
}

// geburtsanzeige reads an 081020.
func (r *reader) geburtsanzeige(e *xmlguard.Element, kopf *xoev.Kopf) *Geburtsmeldung {
	geburt, mutter := e.Child("geburtsangaben"), e.At("mutter", "standard")
	return &Geburtsmeldung{
		Standesamt:  kopf.Leser,
		Kind:        Person{Geburtsdatum: r.date(geburt.Child("tag")), Geschlecht: r.sex(e.Child("kind"))},
		Geburtszeit: clock(geburt.Value("uhrzeit")), Geburtsort: r.text(geburt.At("ort", "ort"), 200),
		Mutter:      Person{Name: r.name(mutter.Child("namen")), Geburtsdatum: r.date(mutter.Child("geburtsdatum"))},
		Anzeigender: r.text(e.Child("nameEinrichtung"), 300),
		Angezeigt:   kopf.Erstellungszeitpunkt, Sperren: xmeld.SperrenOf(e), Kopf: kopf,
	}
}

// sterbeanzeige reads an 084020. A day that is known as a span only has no
// todestag and leaves the message without a type.
func (r *reader) sterbeanzeige(e *xmlguard.Element, kopf *xoev.Kopf) *Sterbemeldung {
	tag, wer := e.At("sterbefall", "todestag"), e.Child("verstorbener")
	for tag.Child("todestag") != nil && tag.Value() == "" {
		if zeit := clock(tag.Value("todeszeit")); zeit != "" {
			break
		}
		tag = tag.Child("todestag")
	}
	d := &Sterbemeldung{
		Standesamt: kopf.Leser,
		Person:     Person{Name: r.name(wer), Geburtsdatum: xmeld.PartDate{Given: true}},
		Sterbetag:  r.date(lastTag(tag)), Sterbezeit: clock(tag.Value("todeszeit")),
		Sterbeort:   r.text(e.At("sterbefall", "sterbeort", "ort"), 200),
		Anzeigender: r.text(e.At("anzeigender", "namen", "nameOrganisation"), 300),
		Angezeigt:   kopf.Erstellungszeitpunkt, Sperren: xmeld.SperrenOf(e), Kopf: kopf,
	}
	if sex := wer.Child("geschlecht"); sex != nil {
		d.Person.Geschlecht = r.sex(wer)
	}
	if born := wer.Child("geburtsdatum"); born != nil {
		d.Person.Geburtsdatum = r.date(born)
	}
	return d
}

// lastTag is the element that has the day itself: todestag is nested.
func lastTag(e *xmlguard.Element) *xmlguard.Element {
	for e.Child("todestag") != nil {
		e = e.Child("todestag")
	}
	return e
}
