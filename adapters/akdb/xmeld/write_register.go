package xmeld

import (
	"errors"
)

// WriteRueckmeldung builds a 0201 of XMeld 25.11a about one person. religion is
// the code to be stated; "" means DefaultReligion. What cannot be said in XMeld
// gives an *UnmappableError.
func WriteRueckmeldung(v Envelope, d *Gesandt, religion string) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if religion == "" {
		religion = DefaultReligion
	}
	return v.message("rueckmeldung.anmeldunginland", Rueckmeldung,
		el("xmeld:umzugsverband", el("xmeld:betroffener",
			el("xmeld:identifikation.betroffener",
				d.Person.Name.registerName("xmeld:name", false),
				d.Person.geburt("xmeld:geburt"),
				dwelling("xmeld:wohnung.leser", d.BisherigeAnschrift, nil),
			),
			d.zuzugsperson(religion),
			v.ereignisElem("xmeld:identifikation.ereignis", d.Ereignis),
		)),
	)
}

func (d *Gesandt) zuzugsperson(religion string) elem {
	p := d.Person
	kids := append(d.Sperren.auskunftssperren("xmeld:AUSKUNFTSSPERRE"),
		p.Name.registerName("xmeld:NAMENATUERLICHEPERSON", true),
		el("xmeld:FAMILIENSTAND", cd("xmeld:familienstand", listFamilienstand, or(p.Familienstand, unknownFamilienstand))),
		p.geburt("xmeld:GEBURT"),
		el("xmeld:RELIGION", cd("xmeld:religion.steuer.erhebend", listReligion, religion)),
	)
	countries := p.Staatsangehoerigkeiten
	if len(countries) == 0 {
		countries = []string{unknownCountry}
	}
	kids = append(kids, each(countries, func(c string) elem { return cd("xmeld:STAATSANGEHOERIGKEIT", listStaat, c) })...)
	kids = append(kids,
		dwelling("xmeld:WOHNUNG", d.Anschrift, d.Sperren, d.bezug(), d.status()),
		cd("xmeld:GESCHLECHT", listGeschlecht, or(p.Geschlecht, unknownSex)),
	)
	return el("xmeld:zuzugsperson", kids...)
}

func (d *Gesandt) bezug() elem {
	switch {
	case !d.Einzug.Given:
		return elem{}
	case d.Einzug.Value == "":
		return el("xmeld:datumDesBeziehens", tx("unbekannt", "true"))
	}
	return el("xmeld:datumDesBeziehens", tx("datum", d.Einzug.Value))
}

func (d *Gesandt) status() elem {
	if d.Wohnungsstatus == "" {
		return elem{}
	}
	return cd("xmeld:statusderwohnung", listStatus, d.Wohnungsstatus)
}

func (d *Gesandt) check() error {
	switch {
	case d.Person == nil:
		return unmappable("person", "is missing, and XMeld 0201 demands it")
	case d.Einzug.Value != "" && !validDate(d.Einzug.Value):
		return unmappable("einzug", "is no date")
	case d.Wohnungsstatus != "" && !statusForm.MatchString(d.Wohnungsstatus):
		return unmappable("wohnungsstatus", "is no code")
	}
	return errors.Join(d.Person.checkIdentity("person"), d.Person.checkCodes(), d.Sperren.check(),
		checkAnschrift(d.Anschrift, "anschrift"), checkAnschrift(d.BisherigeAnschrift, "bisherigeAnschrift"),
		checkEreignis(d.Ereignis, "ereignis"))
}

// WriteAuswertung builds a 0203 that found no differences: of those the event has
// the names only, and XMeld wants the values.
func WriteAuswertung(v Envelope, d *Ausgewertet) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return v.message("rueckmeldung.auswertung", Auswertung,
		el("xmeld:betroffener",
			d.Person.Name.registerName("xmeld:name", false),
			d.Person.geburt("xmeld:geburt"),
			dwelling("xmeld:wohnung.leser", d.Anschrift, d.Sperren),
		),
		el("xmeld:hauptwohnung.ergaenzungen"),
		el("xmeld:abweichungen"),
		d.Ursprung.elem(),
		v.ereignisElem("xmeld:ursprungsereignis", d.Ursprungsereignis),
		v.ereignisElem("xmeld:identifikation.ereignis", d.Ereignis),
	)
}

func (d *Ausgewertet) check() error {
	switch {
	case len(d.Abweichungen) > 0:
		return unmappable("abweichungen", "are named, and XMeld 0203 demands their values, which only the original has")
	case d.Ursprungsereignis == nil:
		return unmappable("ursprungsereignis", "is missing, and XMeld 0203 demands it")
	}
	return errors.Join(d.Person.checkIdentity("person"), checkAnschrift(d.Anschrift, "anschrift"), d.Ursprung.check(),
		checkEreignis(d.Ursprungsereignis, "ursprungsereignis"), checkEreignis(d.Ereignis, "ereignis"), d.Sperren.noPlaceFor(Auswertung))
}

// WriteTod builds a 0040.
func WriteTod(v Envelope, d *TodFortgeschrieben) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return v.message("fortschreibung.tod", Tod,
		el("xmeld:betroffener",
			d.Person.Name.registerName("xmeld:name", false),
			d.Person.geburt("xmeld:geburt"),
			dwelling("xmeld:wohnung.leser", d.Anschrift, d.Sperren),
		),
		el("xmeld:tod", opt("xmeld:sterbeort", d.Sterbeort), opt("xmeld:sterbetag", d.Sterbetag.Value)),
		d.Nachweis.elem("xmeld:nachweis.tod"),
	)
}

func (d *TodFortgeschrieben) check() error {
	switch {
	case !d.Sterbetag.Given:
		return unmappable("sterbetag", "is missing")
	case d.Sterbetag.Value != "" && !validDate(d.Sterbetag.Value):
		return unmappable("sterbetag", "is known in part only, and XMeld 0040 has days only")
	case d.Nachweis != nil && d.Nachweis.Datum != "" && !validDate(d.Nachweis.Datum):
		return unmappable("nachweis.datum", "is no date")
	}
	return errors.Join(d.Person.checkIdentity("person"), checkAnschrift(d.Anschrift, "anschrift"), d.Sperren.noPlaceFor(Tod))
}

func (n *Nachweis) elem(element string) elem {
	if n == nil {
		return el(element)
	}
	wer := elem{}
	switch {
	case n.Behoerde != "" && n.Aktenzeichen != "":
		wer = el("xmeld:behoerdeoderaktenzeichen", el("xmeld:behoerdeaktenzeichen.getrennt",
			tx("xmeld:behoerde", n.Behoerde), tx("xmeld:aktenzeichen", n.Aktenzeichen)))
	case n.Behoerde+n.Aktenzeichen != "":
		wer = el("xmeld:behoerdeoderaktenzeichen", el("xmeld:behoerdeaktenzeichen.konkateniert",
			tx("xmeld:behoerdeaktenzeichen", n.Behoerde+n.Aktenzeichen)))
	}
	return el(element, opt("xmeld:datum", n.Datum), opt("xmeld:dokumentbeschreibung", n.Beschreibung), wer)
}

// WriteAnschrift builds a 0090.
func WriteAnschrift(v Envelope, d *AnschriftFortgeschrieben) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return v.message("fortschreibung.anschrift", AnschriftNeu,
		el("xmeld:identifikation.betroffenePerson",
			d.Person.Name.registerName("xmeld:name", false),
			d.Person.geburt("xmeld:geburt"),
			dwelling("xmeld:wohnung.leser", d.AnschriftBeimLeser, nil),
		),
		cd("xmeld:anlass", listAnlass, d.Anlass),
		d.BisherigeAnschrift.withVermerk("xmeld:anschrift.alt", nil),
		d.Anschrift.withVermerk("xmeld:anschrift.neu", d.Sperren),
		v.ereignisElem("xmeld:identifikation.ereignis", d.Ereignis),
	)
}

func (d *AnschriftFortgeschrieben) check() error {
	if !codeForm.MatchString(d.Anlass) {
		return unmappable("anlass", "is missing or no code")
	}
	return errors.Join(d.Person.checkIdentity("person"), checkAnschrift(d.AnschriftBeimLeser, "anschriftBeimLeser"),
		d.BisherigeAnschrift.check("bisherigeAnschrift"), d.Anschrift.check("anschrift"),
		checkEreignis(d.Ereignis, "ereignis"), d.Sperren.noPlaceFor(AnschriftNeu))
}
