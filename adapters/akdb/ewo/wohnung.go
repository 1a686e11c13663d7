package ewo

// The subtypes of dwellings.
const (
	AktuelleWohnung   = "AktuelleWohnungType"
	InaktuelleWohnung = "InaktuelleWohnungType"
	ZuzugsWohnung     = "ZuzugsWohnungType"
	WegzugsWohnung    = "WegzugsWohnungType"
)

// Wohnung is a dwelling of a person.
type Wohnung struct {
	Art             string // one of the subtypes, "" when the record does not say
	Nutzungszustand string // EINZIGE_WOHNUNG, HAUPTWOHNUNG, NEBENWOHNUNG
	Einzug, Auszug  string // dates, partly known ones too
	Anschrift       Anschrift
}

// Anschrift is an address in the register.
type Anschrift struct {
	AGS, Strasse, Hausnummer, HausnummerZusatz, PLZ, Ort, Zusatz string
	Staat                                                        string // abroad
}

// Wohnungen are all dwellings of an extended record, in its order; of a plain
// record the one address.
func (p *Person) Wohnungen() []Wohnung {
	var all []Wohnung
	for _, v := range list(p.tree, "wohnungen") {
		w := object(v)
		all = append(all, Wohnung{
			Art: text(w, "_type"), Nutzungszustand: text(w, "nutzungszustand"),
			Einzug: PartDate(w["einzug"]), Auszug: PartDate(w["auszug"]),
			Anschrift: anschrift(object(w, "melderegisterAnschrift")),
		})
	}
	if a := object(p.tree, "melderegisterAnschrift"); a != nil && len(all) == 0 {
		all = append(all, Wohnung{Art: AktuelleWohnung, Anschrift: anschrift(a)})
	}
	return all
}

// Hauptwohnung is the current main or only dwelling; ok is false when there is
// none.
func (p *Person) Hauptwohnung() (w Wohnung, ok bool) {
	for _, w := range p.Wohnungen() {
		if w.Art == AktuelleWohnung && w.Nutzungszustand != "NEBENWOHNUNG" {
			return w, true
		}
	}
	return Wohnung{}, false
}

func anschrift(a map[string]any) Anschrift {
	zusatz := text(a, "buchstabeHausnummer")
	if part := text(a, "teilnummerHausnummer"); part != "" {
		zusatz += " " + part
	}
	return Anschrift{
		AGS: text(a, "gemeindeschluessel"), Strasse: text(a, "strasse"), Hausnummer: text(a, "hausnummer"),
		HausnummerZusatz: zusatz, PLZ: text(a, "postleitzahl"), Ort: text(a, "ort"),
		Zusatz: text(a, "zusatz"), Staat: text(a, "staat"),
	}
}
