package xmeld

import (
	"encoding/base64"
	"errors"
)

const ergebnisName = "onlinedienste.anmeldung.ergebnis"

// WriteAngenommen builds a 1707 that accepts. pdf is the official confirmation
// (amtliche Meldebestätigung), which XMeld demands. What cannot be said in XMeld
// gives an *UnmappableError.
func WriteAngenommen(v Envelope, d *Angenommen, pdf []byte) ([]byte, error) {
	if err := d.check(pdf); err != nil {
		return nil, err
	}
	bezug := el("xmeld:datumDesBeziehens", tx("unbekannt", "true"))
	if d.Einzug.Value != "" {
		bezug = el("xmeld:datumDesBeziehens", tx("datum", d.Einzug.Value))
	}
	return v.message(ergebnisName, Ergebnis,
		identifikation(d.Person, d.Anschrift),
		tx("xmeld:aktenzeichen", d.Aktenzeichen),
		el("xmeld:ergebnis", el("xmeld:anmeldung", el("xmeld:zuziehendePerson",
			el("xmeld:meldebestaetigung",
				el("xmeld:name",
					el("xmeld:familienname.unstrukturiert", name("xmeld:nachname", d.Person.Name.Familienname)),
					el("xmeld:vornamen", name("xmeld:vornamen", d.Person.Name.Vornamen)),
					opt("xmeld:doktorgrad", d.Person.Name.Doktorgrad),
				),
				d.Person.Geburtsdatum.elem("xmeld:geburtsdatum"),
				el("xmeld:wohnung",
					d.Anschrift.elem("xmeld:anschrift"),
					tx("xmeld:datumAnmeldungBeiAnmeldebehoerde", d.Anmeldung),
					bezug,
					cd("xmeld:statusderwohnung", listStatus, d.Wohnungsstatus),
				),
			),
			tx("xmeld:pdfDokument", base64.StdEncoding.EncodeToString(pdf)),
		))),
		d.Ursprung.elem(),
	)
}

func (d *Angenommen) check(pdf []byte) error {
	switch {
	case d.Aktenzeichen == "":
		return unmappable("aktenzeichen", "is missing")
	case !validDate(d.Anmeldung):
		return unmappable("anmeldung", "is missing or no date")
	case !d.Einzug.Given, d.Einzug.Value != "" && !validDate(d.Einzug.Value):
		return unmappable("einzug", "is missing or no date")
	case !statusForm.MatchString(d.Wohnungsstatus):
		return unmappable("wohnungsstatus", "is missing or no code")
	case len(pdf) == 0:
		return unmappable("meldebestaetigung", "is missing, and XMeld 1707 demands it")
	}
	return errors.Join(d.Person.check(), d.Anschrift.check("anschrift"), d.Ursprung.check())
}

// A refusal must name the person's present address, which the event does not
// carry. Where it is not known these say so, in fields that must not be empty.
const (
	noStreet = "nicht übermittelt"
	noPLZ    = "00000"
)

// WriteZurueckgewiesen builds a 1707 that refuses. wohnung is the person's
// present dwelling; of one that is not known it has the AGS only, of the place
// concerned. pdf, a letter, may be nil. What cannot be said in XMeld gives an
// *UnmappableError.
func WriteZurueckgewiesen(v Envelope, d *Zurueckgewiesen, wohnung Anschrift, pdf []byte) ([]byte, error) {
	if wohnung.Strasse == "" {
		wohnung = Anschrift{AGS: wohnung.AGS, Strasse: noStreet, PLZ: noPLZ, Ort: noStreet}
	}
	if err := d.check(wohnung); err != nil {
		return nil, err
	}
	return v.message(ergebnisName, Ergebnis,
		identifikation(*d.Person, wohnung),
		tx("xmeld:aktenzeichen", d.Aktenzeichen),
		el("xmeld:ergebnis", el("xmeld:ablehnung",
			cd("xmeld:status", listAnmeldung, d.Grund.Code),
			opt("xmeld:pdfDokument", base64.StdEncoding.EncodeToString(pdf)),
		)),
		d.Ursprung.elem(),
	)
}

func (d *Zurueckgewiesen) check(wohnung Anschrift) error {
	switch {
	case d.Aktenzeichen == "":
		return unmappable("aktenzeichen", "is missing")
	case gruende[d.Grund.Code] == "":
		return unmappable("grund.code", "is missing or none of the code list")
	case d.Person == nil:
		return unmappable("person", "is missing, and XMeld 1707 demands it")
	}
	return errors.Join(d.Person.check(), wohnung.check("wohnung"), d.Ursprung.check())
}
