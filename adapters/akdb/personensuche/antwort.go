package personensuche

import (
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// personOf takes out of a person of a 1331 (type.Personensuche.Abrufdaten) what the
// event has a place for. Nothing is mandatory there, so what is not there, or not
// as it should be, is left out.
func personOf(e *xmlguard.Element) *data {
	e = e.Child("personendaten")
	p := &person{Name: nameOf(e.Child("name")), Geburtsdatum: birthOf(e.At("geburtsangaben", "geburt", "geburtsdatum"))}
	if code := e.Value("geschlecht", "code"); slices.Contains([]string{"m", "w", "d", "x"}, code) {
		p.Geschlecht = code
	}
	for _, s := range e.All("staatsangehoerigkeit") {
		if code := s.Value("code"); countryForm.MatchString(code) {
			p.Staatsangehoerigkeiten = append(p.Staatsangehoerigkeiten, code)
		}
	}
	p.Verstorben = e.Value("verstorben") == "true" || e.Child("sterbedaten") != nil
	return &data{Ergebnis: gefunden, Person: p, Anschrift: homeOf(e.All("wohnung"))}
}

// familyNames are where the name stands that a person goes by, the best first.
var familyNames = [][]string{
	{"familienname.unstrukturiert", "nachname", "name"},
	{"ehename.unstrukturiert", "name"},
	{"lebenspartnerschaftsname.unstrukturiert", "name"},
	{"geburtsname.unstrukturiert", "name"},
}

// nameOf puts a single name into the family name; nil when there is none.
func nameOf(e *xmlguard.Element) *xmeld.Name {
	n := &xmeld.Name{Vornamen: e.Value("vornamen", "vornamen", "name"), Doktorgrad: e.Value("doktorgrad")}
	for _, path := range familyNames {
		if n.Familienname == "" {
			n.Familienname = e.Value(path...)
		}
	}
	if n.Familienname == "" {
		n.Familienname, n.Vornamen = n.Vornamen, ""
	}
	if n.Familienname == "" {
		return nil
	}
	return n
}

func birthOf(e *xmlguard.Element) xmeld.PartDate {
	switch {
	case e == nil:
		return xmeld.PartDate{}
	case e.Child("unbekannt") != nil:
		return xmeld.PartDate{Given: true}
	}
	for _, part := range []string{"jahrMonatTag", "jahrMonat", "jahr"} {
		if v := e.Value("teilbekanntesDatum", part); isDate(v) {
			return xmeld.PartDate{Given: true, Value: v}
		}
	}
	return xmeld.PartDate{}
}

// isDate says whether the schema takes a date, whole or in part.
func isDate(s string) bool {
	if len(s) == len(time.DateOnly) {
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	}
	return dateForm.MatchString(s)
}

// nebenwohnung is the code of statusderwohnung that is not the main home.
const nebenwohnung = "2"

// homeOf is the only or main home that is lived in now; nil when there is none in
// Germany with a whole address.
func homeOf(homes []*xmlguard.Element) *xmeld.Anschrift {
	for _, w := range homes {
		e := w.At("anschrift", "anschrift.inland", "anschrift.inland")
		if e == nil || w.Value("wohnung.aktuell") == "false" || w.Value("statusderwohnung", "code") == nebenwohnung {
			continue
		}
		return whole(xmeld.Anschrift{
			AGS: e.Value("gemeindeschluessel", "code"), Strasse: e.Value("strasse"), Hausnummer: e.Value("hausnummer"),
			HausnummerZusatz: joined(" ", e.Value("hausnummerBuchstabeZusatzziffer"), e.Value("teilnummerDerHausnummer")),
			PLZ:              e.Value("postleitzahl"), Ort: e.Value("wohnort"),
			Zusatz: joined(", ", e.Value("zusatzangaben"), e.Value("stockwerkswohnungsnummer")),
		})
	}
	return nil
}
