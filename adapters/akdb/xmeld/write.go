package xmeld

import (
	"regexp"
	"strings"
)

// Elements that both messages have, in the order of the XSD.

var (
	hausnummerForm = regexp.MustCompile(`^[0-9 ]{0,4}$`)
	zusatzForm     = regexp.MustCompile(`^[\p{L}0-9./ ]{0,4}$`)
	plzForm        = regexp.MustCompile(`^[0-9 ]{1,5}$`)
)

// check finds what an address lacks for XMeld.
func (a Anschrift) check(field string) error {
	switch {
	case !agsForm.MatchString(a.AGS):
		return unmappable(field+".ags", "is missing or has not 8 digits")
	case a.Strasse == "":
		return unmappable(field+".strasse", "is missing")
	case !plzForm.MatchString(a.PLZ):
		return unmappable(field+".plz", "is missing or no Postleitzahl")
	case a.Ort == "":
		return unmappable(field+".ort", "is missing")
	case !hausnummerForm.MatchString(a.Hausnummer):
		return unmappable(field+".hausnummer", "has more than 4 digits, or letters")
	}
	return nil
}

// elem writes a Meldeanschrift; its children are unqualified.
func (a Anschrift) elem(name string) elem {
	buchstabe, teil := a.zusatz()
	return el(name,
		cd("gemeindeschluessel", listAGS, a.AGS),
		opt("hausnummer", a.Hausnummer),
		opt("hausnummerBuchstabeZusatzziffer", buchstabe),
		tx("postleitzahl", a.PLZ),
		tx("strasse", a.Strasse),
		opt("teilnummerDerHausnummer", teil),
		tx("wohnort", a.Ort),
		opt("zusatzangaben", a.Zusatz),
	)
}

// zusatz puts what follows the house number where it fits.
func (a Anschrift) zusatz() (buchstabe, teil string) {
	if zusatzForm.MatchString(a.HausnummerZusatz) {
		return a.HausnummerZusatz, ""
	}
	return "", a.HausnummerZusatz
}

func identifikation(p Person, a Anschrift) elem {
	buchstabe, teil := a.zusatz()
	return el("xmeld:identifikation",
		name("xmeld:familienname.unstrukturiert", p.Name.Familienname),
		name("xmeld:vornamen", p.Name.Vornamen),
		el("xmeld:geburt", p.Geburtsdatum.elem("xmeld:geburtsdatum")),
		el("xmeld:anschrift",
			cd("xmeld:gemeindeschluessel", listAGS, a.AGS),
			tx("xmeld:postleitzahl", a.PLZ),
			el("xmeld:strasseUndHausnummer", el("xmeld:strukturiert",
				opt("hausnummer", a.Hausnummer),
				opt("hausnummerBuchstabeZusatzziffer", buchstabe),
				tx("strasse", a.Strasse),
				opt("teilnummerDerHausnummer", teil),
			)),
		),
	)
}

// name is an AllgemeinerName; an empty one says that there rightly is none.
func name(element, text string) elem {
	if text == "" {
		return el(element, tx("nichtVorhanden", "true"))
	}
	return el(element, tx("name", text))
}

// elem writes a TeilbekanntesDatumMitUnbekannt.
func (d PartDate) elem(name string) elem {
	form := map[int]string{4: "jahr", 7: "jahrMonat", 10: "jahrMonatTag"}[len(d.Value)]
	if form == "" {
		return el(name, tx("unbekannt", "true"))
	}
	return el(name, el("teilbekanntesDatum", tx(form, d.Value)))
}

var partDateForm = regexp.MustCompile(`^[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-[0-9]{2})?)?$`)

func (d PartDate) check(field string) error {
	switch {
	case !d.Given:
		return unmappable(field, "is missing")
	case d.Value == "":
		return nil
	case !partDateForm.MatchString(d.Value), len(d.Value) == 10 && !validDate(d.Value):
		return unmappable(field, "is no date")
	}
	return nil
}

// check finds what every message needs of a person.
func (p Person) check() error {
	if p.Name.Familienname == "" {
		return unmappable("person.name.familienname", "is missing")
	}
	return p.Geburtsdatum.check("person.geburtsdatum")
}

func (u Ursprung) check() error {
	if !uuidForm.MatchString(u.NachrichtenUUID) || u.Code == "" || u.Erstellungszeitpunkt == "" {
		return unmappable("ursprung", "is missing or incomplete")
	}
	return nil
}

func (u Ursprung) elem() elem {
	return el("xmeld:ursprungsnachricht",
		tx("nachrichtenUUID", strings.ToLower(u.NachrichtenUUID)),
		cd("nachrichtentyp", listNachrichten, u.Code),
		tx("erstellungszeitpunkt", u.Erstellungszeitpunkt),
	)
}
