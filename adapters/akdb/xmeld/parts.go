package xmeld

import (
	"regexp"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

var (
	agsForm           = regexp.MustCompile(`^[0-9]{8}$`)
	countryForm       = regexp.MustCompile(`^[0-9]{3}$`)
	sexForm           = regexp.MustCompile(`^[mwdx]$`)
	familienstandForm = regexp.MustCompile(`^[A-Z]{2}$`)
	statusForm        = regexp.MustCompile(`^[012]$`)
	uuidForm          = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// anschrift reads a Meldeanschrift. Zusatz takes up what has no field of its
// own and is needed to find the door.
func (r *reader) anschrift(e *xmlguard.Element) Anschrift {
	return Anschrift{
		AGS:              r.match("S011", agsForm, e, "gemeindeschluessel", "code"),
		Strasse:          r.text(e, "strasse"),
		Hausnummer:       e.Value("hausnummer"),
		HausnummerZusatz: joined(" ", e.Value("hausnummerBuchstabeZusatzziffer"), e.Value("teilnummerDerHausnummer")),
		PLZ:              r.text(e, "postleitzahl"),
		Ort:              r.text(e, "wohnort"),
		Zusatz:           joined(", ", e.Value("zusatzangaben"), e.Value("stockwerkswohnungsnummer")),
	}
}

func joined(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// personName prefers the name under name (personendaten, meldebestaetigung) and
// falls back on that of the identification; both are optional there.
func (r *reader) personName(name, identifikation *xmlguard.Element) Name {
	family, given := name.At("familienname.unstrukturiert", "nachname"), name.At("vornamen", "vornamen")
	if family == nil {
		family = r.elem(identifikation, "familienname.unstrukturiert")
	}
	if given == nil {
		given = r.elem(identifikation, "vornamen")
	}
	n := Name{Familienname: r.name(family), Vornamen: r.name(given), Doktorgrad: name.Value("doktorgrad")}
	if n.Familienname == "" {
		// A single name (Blockname) belongs into the family name.
		n.Familienname, n.Vornamen = n.Vornamen, ""
	}
	if n.Familienname == "" {
		r.fail("S030", name, []string{"familienname.unstrukturiert"}, "is empty")
	}
	return n
}

// uebermittlungssperren are the codes of DSMeld 1801 that are objections to one
// kind of transfer; the others are blocks on information (§ 51 BMG).
var uebermittlungssperren = []string{"2", "5", "7", "10", "13"}

// sperren gathers the blocks of a Meldeschein. A code that is not known counts
// as a block on information: too much care harms nobody.
func sperren(personendaten, widersprueche *xmlguard.Element) *Sperren {
	s := &Sperren{}
	for _, a := range personendaten.All("auskunftssperre") {
		s.add(a.Value("grund", "code"))
	}
	for _, e := range widersprueche.All("eintragung") {
		s.add(e.Value("code"))
	}
	for _, w := range personendaten.All("wohnung") {
		if w.At("anschrift", "bedingterSperrvermerk") != nil {
			s.BedingterSperrvermerk = true
		}
	}
	if !s.Auskunftssperre && !s.BedingterSperrvermerk && s.Uebermittlungssperren == nil {
		return nil
	}
	return s
}

func (s *Sperren) add(code string) {
	switch {
	case !slices.Contains(uebermittlungssperren, code):
		s.Auskunftssperre = true
	case !slices.Contains(s.Uebermittlungssperren, code):
		s.Uebermittlungssperren = append(s.Uebermittlungssperren, code)
	}
}
