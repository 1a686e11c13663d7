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

// uebermittlungssperren are the codes of DSMeld 1801 that are objections to one
// kind of transfer; the others are blocks on information (§ 51 BMG).
var uebermittlungssperren = []string{"2", "5", "7", "10", "13"}

// SperrenOf gathers the blocks below the elements, nil if there are none. A code
// that is not known counts as a block on information: too much care harms nobody.
func SperrenOf(elements ...*xmlguard.Element) *Sperren {
	s := &Sperren{}
	for _, e := range elements {
		s.gather(e)
	}
	if s.none() {
		return nil
	}
	return s
}

func (s *Sperren) none() bool {
	return s == nil || !s.Auskunftssperre && !s.BedingterSperrvermerk && s.Uebermittlungssperren == nil
}

func (s *Sperren) gather(e *xmlguard.Element) {
	if e == nil {
		return
	}
	name := strings.ToLower(e.Local)
	switch {
	case e.Value() == "false":
	case strings.HasPrefix(name, "bedingtersperrvermerk"):
		s.BedingterSperrvermerk = true
	case strings.HasPrefix(name, "auskunftssperre"), strings.HasPrefix(name, "uebermittlungssperre"), name == "eintragung":
		s.mark(name, e)
	}
	for _, c := range e.Children {
		s.gather(c)
	}
}

// mark takes a block with its code, or one that is only said to be there.
func (s *Sperren) mark(name string, e *xmlguard.Element) {
	code := e.Value("grund", "code")
	if code == "" {
		code = e.Value("code")
	}
	switch {
	case code != "":
		s.add(code)
	case len(e.Children) > 0: // around several blocks
	case strings.HasPrefix(name, "auskunft"):
		s.Auskunftssperre = true
	default:
		s.Uebermittlungssperren = append(s.Uebermittlungssperren, "unbekannt")
	}
}

// Covers says whether s has every block of other.
func (s *Sperren) Covers(other *Sperren) bool {
	if other.none() {
		return true
	}
	return s != nil && (s.Auskunftssperre || !other.Auskunftssperre) &&
		(s.BedingterSperrvermerk || !other.BedingterSperrvermerk) &&
		!slices.ContainsFunc(other.Uebermittlungssperren, func(c string) bool { return !slices.Contains(s.Uebermittlungssperren, c) })
}

func (s *Sperren) add(code string) {
	switch {
	case !slices.Contains(uebermittlungssperren, code):
		s.Auskunftssperre = true
	case !slices.Contains(s.Uebermittlungssperren, code):
		s.Uebermittlungssperren = append(s.Uebermittlungssperren, code)
	}
}
