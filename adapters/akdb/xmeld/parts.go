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
	groupForm         = regexp.MustCompile(`^[a-z][A-Za-z]{0,59}$`)
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

// registerName reads a name as the registers tell each other: the family name,
// or the married or birth name that stands for it, and the given names.
func (r *reader) registerName(e *xmlguard.Element) Name {
	n := Name{Doktorgrad: e.Value("doktorgrad")}
	if given := e.At("vornamen", "vornamen"); given != nil {
		n.Vornamen = r.name(given)
	}
	for _, path := range familyNames {
		if family := e.At(path...); family != nil && n.Familienname == "" {
			n.Familienname = r.name(family)
		}
	}
	if n.Familienname == "" { // a single name (Blockname), or all that is told
		n.Familienname, n.Vornamen = n.Vornamen, ""
	}
	if n.Familienname == "" {
		r.fail("S030", e, []string{"familienname.unstrukturiert"}, "is empty")
	}
	return n
}

var familyNames = [][]string{
	{"familienname.unstrukturiert", "nachname"},
	{"ehename.unstrukturiert"},
	{"lebenspartnerschaftsname.unstrukturiert"},
	{"geburtsname.unstrukturiert"},
}
