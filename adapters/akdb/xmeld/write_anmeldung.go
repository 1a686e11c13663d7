package xmeld

import (
	"encoding/base64"
	"errors"
	"fmt"
)

// WriteAnforderung builds a 0300.
func WriteAnforderung(v Envelope, d *Angefordert) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	kids := each(d.Personen, func(p Gesucht) elem { return el("xmeld:identifikation.person", p.elems()...) })
	kids = append(kids, d.Wegzugsanschrift.elem("xmeld:wegzugsanschrift"))
	return v.message("anmeldung.datenanforderung", Anforderung,
		tx("xmeld:anwenderkennung", d.Anwenderkennung),
		el("xmeld:betroffene", kids...),
	)
}

func (p Gesucht) elems() []elem {
	return []elem{
		p.Name.registerName("xmeld:name", false),
		el("xmeld:geburt", p.Geburtsdatum.elem("xmeld:geburtsdatum")),
	}
}

func (p Gesucht) check(field string) error {
	if p.Name.Familienname == "" {
		return unmappable(field+".name.familienname", "is missing")
	}
	return p.Geburtsdatum.check(field + ".geburtsdatum")
}

func (d *Angefordert) check() error {
	if d.Anwenderkennung == "" {
		return unmappable("anwenderkennung", "is missing")
	}
	if len(d.Personen) == 0 {
		return unmappable("personen", "are missing")
	}
	errs := []error{d.Wegzugsanschrift.check()}
	for i, p := range d.Personen {
		errs = append(errs, p.check(fmt.Sprintf("personen[%d]", i)))
	}
	return errors.Join(errs...)
}

func (a *Wegzugsanschrift) check() error {
	switch {
	case a == nil:
	case a.AGS != "" && !agsForm.MatchString(a.AGS):
		return unmappable("wegzugsanschrift.ags", "has not 8 digits")
	case a.PLZ != "" && !plzForm.MatchString(a.PLZ):
		return unmappable("wegzugsanschrift.plz", "is no Postleitzahl")
	case !hausnummerForm.MatchString(a.Hausnummer):
		return unmappable("wegzugsanschrift.hausnummer", "has more than 4 digits, or letters")
	}
	return nil
}

func (a *Wegzugsanschrift) elem(element string) elem {
	if a == nil {
		return el(element)
	}
	ags := elem{}
	if a.AGS != "" {
		ags = cd("gemeindeschluessel", listAGS, a.AGS)
	}
	buchstabe, teil := Anschrift{HausnummerZusatz: a.HausnummerZusatz}.zusatz()
	return el(element, ags,
		opt("hausnummer", a.Hausnummer),
		opt("hausnummerBuchstabeZusatzziffer", buchstabe),
		opt("postleitzahl", a.PLZ),
		opt("strasse", a.Strasse),
		opt("teilnummerDerHausnummer", teil),
		opt("zusatzangaben", a.Zusatz),
	)
}

// WriteBereitstellung builds a 0301. A block that any of the persons has is
// stated of all that are told of: the event does not say whose it is.
func WriteBereitstellung(v Envelope, d *Bereitgestellt) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	kids := each(d.Personen, func(p Gefunden) elem {
		return el("xmeld:zuziehende.person",
			cd("xmeld:antwortstatus", listAntwort, p.Status),
			el("xmeld:anfrageprofil", Gesucht{p.Name, p.Geburtsdatum}.elems()...),
			p.personendaten(d.Sperren),
		)
	})
	return v.message("anmeldung.datenbereitstellung", Bereitstellung, append(kids, d.Ursprung.elem())...)
}

func (p Gefunden) known() bool {
	return p.Geschlecht != "" || p.Familienstand != "" || len(p.Staatsangehoerigkeiten) > 0 || p.Anschrift != nil
}

func (p Gefunden) personendaten(s *Sperren) elem {
	if !p.known() {
		return elem{}
	}
	kids := s.auskunftssperren("xmeld:auskunftssperre")
	if p.Familienstand != "" {
		kids = append(kids, el("xmeld:familienstand", cd("xmeld:familienstand", listFamilienstand, p.Familienstand)))
	}
	kids = append(kids, each(p.Staatsangehoerigkeiten, func(c string) elem { return cd("xmeld:staatsangehoerigkeit", listStaat, c) })...)
	if p.Geschlecht != "" {
		kids = append(kids, cd("xmeld:geschlecht", listGeschlecht, p.Geschlecht))
	}
	if p.Anschrift != nil {
		kids = append(kids, dwelling("xmeld:aktuelleWohnung", p.Anschrift, s))
	}
	return el("xmeld:personendaten", kids...)
}

func (d *Bereitgestellt) check() error {
	if len(d.Personen) == 0 {
		return unmappable("personen", "are missing")
	}
	errs := []error{d.Ursprung.check(), d.Sperren.check()}
	told, withAddress := false, false
	for i, p := range d.Personen {
		errs = append(errs, p.check(fmt.Sprintf("personen[%d]", i)))
		told, withAddress = told || p.known(), withAddress || p.Anschrift != nil
	}
	if d.Sperren != nil && (!told || d.Sperren.BedingterSperrvermerk && !withAddress) {
		errs = append(errs, unmappable("sperren", "are set, and there is no person whose they can be"))
	}
	return errors.Join(errs...)
}

func (p Gefunden) check(field string) error {
	if !codeForm.MatchString(p.Status) {
		return unmappable(field+".status", "is missing or no code")
	}
	errs := []error{
		Gesucht{p.Name, p.Geburtsdatum}.check(field),
		Person{Geschlecht: p.Geschlecht, Familienstand: p.Familienstand, Staatsangehoerigkeiten: p.Staatsangehoerigkeiten}.checkCodes(),
	}
	if p.Anschrift != nil {
		errs = append(errs, p.Anschrift.check(field+".anschrift"))
	}
	return errors.Join(errs...)
}

// WriteStatus builds a 1705. pdf, a letter to the person, may be nil; the person's
// address, which the event does not have, is said to be not told.
func WriteStatus(v Envelope, d *Mitgeteilt, wohnung Anschrift, pdf []byte) ([]byte, error) {
	if wohnung.Strasse == "" {
		wohnung = Anschrift{AGS: wohnung.AGS, Strasse: noStreet, PLZ: noPLZ, Ort: noStreet}
	}
	if err := d.check(wohnung); err != nil {
		return nil, err
	}
	return v.message("onlinedienste.anmeldung.statusmitteilung", Status,
		identifikation(*d.Person, wohnung),
		tx("xmeld:aktenzeichen", d.Aktenzeichen),
		cd("xmeld:status", listAnmeldung, d.Status.Code),
		opt("xmeld:pdfDokument", base64.StdEncoding.EncodeToString(pdf)),
		opt("xmeld:fristende", d.Fristende),
		d.Ursprung.elem(),
	)
}

func (d *Mitgeteilt) check(wohnung Anschrift) error {
	switch {
	case d.Aktenzeichen == "":
		return unmappable("aktenzeichen", "is missing")
	case gruende[d.Status.Code] == "":
		return unmappable("status.code", "is missing or none of the code list")
	case d.Fristende != "" && !validDate(d.Fristende):
		return unmappable("fristende", "is no date")
	case d.Person == nil:
		return unmappable("person", "is missing, and XMeld 1705 demands it")
	}
	return errors.Join(d.Person.check(), wohnung.check("wohnung"), d.Ursprung.check())
}
