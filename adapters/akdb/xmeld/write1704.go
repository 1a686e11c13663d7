package xmeld

import (
	"errors"
	"slices"
)

// Values for what a Meldeschein must have and the event does not carry.
const (
	// DefaultReligion is the code of no tax-collecting religious community, or
	// none stated. Religion is never in event data (Art. 9 DSGVO).
	DefaultReligion = "vd"

	unknownSex           = "x"   // keine Angabe
	unknownCountry       = "999" // ohne Angabe
	unknownFamilienstand = "NB"  // nicht bekannt
	// generalSperre is the block of § 51(1) BMG: the event says that there is a
	// block on information and not which. The mark must not get lost.
	generalSperre = "3"
)

// WriteMeldeschein builds a 1704 of XMeld 25.11a. religion is the code to be
// stated; "" means DefaultReligion. What cannot be said in XMeld gives an
// *UnmappableError.
func WriteMeldeschein(v Envelope, d *Eingegangen, religion string) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if religion == "" {
		religion = DefaultReligion
	}
	return v.message("onlinedienste.anmeldung.meldeschein", Meldeschein,
		identifikation(d.Person, *d.BisherigeAnschrift),
		el("xmeld:berechtigtePerson",
			el("xmeld:bestaetigteMeldedaten", d.personendaten(religion)),
			d.Sperren.widersprueche(),
			cd("xmeld:statusDerNeuenWohnung", listStatus, d.Wohnungsstatus),
		),
		el("xmeld:ergaenzendeMeldedaten",
			el("xmeld:wohnungsgeber"),
			el("xmeld:wohnung",
				d.Anschrift.elem("xmeld:anschrift"),
				tx("xmeld:datumDesBeziehens", d.Einzug),
			),
		),
	)
}

func (d *Eingegangen) check() error {
	switch {
	case d.BisherigeAnschrift == nil:
		return unmappable("bisherigeAnschrift", "is missing, and XMeld 1704 demands it")
	case !validDate(d.Einzug):
		return unmappable("einzug", "is missing or no date")
	case !statusForm.MatchString(d.Wohnungsstatus):
		return unmappable("wohnungsstatus", "is missing or no code")
	}
	return errors.Join(d.Person.check(), d.Person.checkCodes(), d.Sperren.check(), d.BisherigeAnschrift.check("bisherigeAnschrift"), d.Anschrift.check("anschrift"))
}

// checkCodes finds codes that XMeld does not know. A code that is not given is
// replaced by the one that says so.
func (p Person) checkCodes() error {
	switch {
	case p.Geschlecht != "" && !sexForm.MatchString(p.Geschlecht):
		return unmappable("person.geschlecht", "is no code")
	case p.Familienstand != "" && !slices.Contains(familienstaende, p.Familienstand):
		return unmappable("person.familienstand", "is no code")
	case len(p.Staatsangehoerigkeiten) > 4:
		return unmappable("person.staatsangehoerigkeiten", "are more than 4")
	}
	for _, c := range p.Staatsangehoerigkeiten {
		if !countryForm.MatchString(c) {
			return unmappable("person.staatsangehoerigkeiten", "has something that is no code")
		}
	}
	return nil
}

// familienstaende are the codes of DSMeld 1401.
var familienstaende = []string{"LD", "VH", "VW", "GS", "EA", "LP", "LV", "LA", "LE", "NB"}

func (s *Sperren) check() error {
	if s == nil {
		return nil
	}
	for _, c := range s.Uebermittlungssperren {
		if !slices.Contains(uebermittlungssperren, c) {
			return unmappable("sperren.uebermittlungssperren", "has something that is no code")
		}
	}
	return nil
}

func (d *Eingegangen) personendaten(religion string) elem {
	p := d.Person
	kids := []elem{
		el("xmeld:name",
			el("xmeld:familienname.unstrukturiert", name("xmeld:nachname", p.Name.Familienname)),
			el("xmeld:vornamen", name("xmeld:vornamen", p.Name.Vornamen)),
			opt("xmeld:doktorgrad", p.Name.Doktorgrad),
		),
		el("xmeld:geburtsangaben", p.Geburtsdatum.elem("xmeld:geburtsdatum")),
		cd("xmeld:geschlecht", listGeschlecht, or(p.Geschlecht, unknownSex)),
	}
	countries := p.Staatsangehoerigkeiten
	if len(countries) == 0 {
		countries = []string{unknownCountry}
	}
	kids = append(kids, each(countries, func(c string) elem { return cd("xmeld:staatsangehoerigkeit", listStaat, c) })...)
	kids = append(kids,
		el("xmeld:religionszugehoerigkeit", cd("xmeld:religion.steuer.erhebend", listReligion, religion)),
		el("xmeld:wohnung", el("xmeld:anschrift",
			d.BisherigeAnschrift.elem("xmeld:anschrift.inland"),
			opt("xmeld:bedingterSperrvermerk", d.Sperren.vermerk()),
		)),
		el("xmeld:familienstand", cd("xmeld:familienstand", listFamilienstand, or(p.Familienstand, unknownFamilienstand))),
	)
	if d.Sperren != nil && d.Sperren.Auskunftssperre {
		kids = append(kids, el("xmeld:auskunftssperre", cd("xmeld:grund", listSperre, generalSperre)))
	}
	return el("xmeld:personendaten", kids...)
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func (s *Sperren) vermerk() string {
	if s == nil || !s.BedingterSperrvermerk {
		return ""
	}
	return "true"
}

func (s *Sperren) widersprueche() elem {
	if s == nil || len(s.Uebermittlungssperren) == 0 {
		return elem{}
	}
	return el("xmeld:widerspruecheUebermittlungssperren",
		each(s.Uebermittlungssperren, func(c string) elem { return cd("xmeld:eintragung", listSperre, c) })...)
}
