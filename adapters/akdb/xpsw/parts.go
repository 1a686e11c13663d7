package xpsw

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

var (
	keyForm   = regexp.MustCompile(`^[^:\s\pC]{2,6}:[^:\s\pC]{1,40}$`)
	sexForm   = regexp.MustCompile(`^[mwdx]$`)
	clockForm = regexp.MustCompile(`^(?:[01][0-9]|2[0-3]):[0-5][0-9]`)
	agsForm   = regexp.MustCompile(`^[0-9]{8}$`)
	plzForm   = regexp.MustCompile(`^[0-9]{5}$`)
	zoneForm  = regexp.MustCompile(`(?:Z|[+-][0-9]{2}:[0-9]{2})$`)
)

// reader remembers whether everything was where it must be.
type reader struct{ ok bool }

// text gives the element's text, which must be there.
func (r *reader) text(e *xmlguard.Element, most int) string {
	v := short(e.Value(), most)
	r.ok = r.ok && v != ""
	return v
}

// short leaves out what is longer than the event data takes.
func short(s string, most int) string {
	if utf8.RuneCountInString(s) > most {
		return ""
	}
	return s
}

func clock(s string) string { return clockForm.FindString(s) }

func (r *reader) sex(e *xmlguard.Element) string {
	v := e.Value("geschlecht", "code")
	r.ok = r.ok && sexForm.MatchString(v)
	return v
}

func (r *reader) person(e *xmlguard.Element) Person {
	return Person{Name: r.name(e.Child("namen")), Geburtsdatum: r.date(e.At("geburtsangaben", "tagDerGeburt"))}
}

// name reads names as AllgemeinerName (an element name, or nichtVorhanden) or as
// text. Up to 25.05 the names stand one deeper, in namenAlt.
func (r *reader) name(e *xmlguard.Element) *xmeld.Name {
	if inner := e.Child("namenAlt"); inner != nil {
		e = inner
	}
	n := xmeld.Name{Familienname: oneName(e.Child("familienname")), Vornamen: oneName(e.Child("vornamen"))}
	if n.Vornamen == "" {
		n.Vornamen = oneName(e.Child("vorname"))
	}
	if n.Familienname == "" {
		n.Familienname, n.Vornamen = n.Vornamen, ""
	}
	r.ok = r.ok && n.Familienname != ""
	return &n
}

func oneName(e *xmlguard.Element) string {
	if inner := e.Child("name"); inner != nil {
		e = inner
	}
	return short(e.Value(), 200)
}

// date reads a day, or a date that is known in part or not at all.
func (r *reader) date(e *xmlguard.Element) xmeld.PartDate {
	d := xmeld.PartDate{Given: true}
	if e.Child("unbekannt") != nil {
		return d
	}
	for _, form := range []struct{ name, layout string }{
		{"jahrMonatTag", time.DateOnly}, {"jahrMonat", "2006-01"}, {"jahr", "2006"}, {"", time.DateOnly},
	} {
		v := e.Value("teilbekanntesDatum", form.name)
		if form.name == "" {
			v = zoneForm.ReplaceAllString(e.Value(), "") // a day has no zone; some write one
		}
		if _, err := time.Parse(form.layout, v); err == nil {
			d.Value = v
			return d
		}
	}
	r.ok = false
	return d
}

// eintrag names the entry by its office, whose key is the author's, and its
// number.
func (r *reader) eintrag(e *xmlguard.Element, kopf *xoev.Kopf) Eintrag {
	amt := kopf.Autor
	if name := short(e.Value("behoerdenname"), 500); name != "" {
		amt.Name = name
	}
	return Eintrag{Standesamt: amt, Nummer: r.text(e.Child("aktenzeichen"), 60)}
}

// anschrift reads a Meldeanschrift, nil if it is not complete.
func anschrift(e *xmlguard.Element) *xmeld.Anschrift {
	a := &xmeld.Anschrift{
		AGS: e.Value("gemeindeschluessel", "code"), Strasse: short(e.Value("strasse"), 200), PLZ: e.Value("postleitzahl"),
		Ort: short(e.Value("wohnort"), 200), Hausnummer: short(e.Value("hausnummer"), 10),
		HausnummerZusatz: short(strings.TrimSpace(e.Value("hausnummerBuchstabeZusatzziffer")+" "+e.Value("teilnummerDerHausnummer")), 20),
	}
	if !agsForm.MatchString(a.AGS) || !plzForm.MatchString(a.PLZ) || a.Strasse == "" || a.Ort == "" {
		return nil
	}
	return a
}
