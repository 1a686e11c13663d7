package xdomea

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmlout"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
)

type elem = xmlout.Elem

func el(name string, kids ...elem) elem { return xmlout.El("xdomea:"+name, kids...) }
func tx(name, text string) elem         { return xmlout.Tx("xdomea:"+name, text) }
func opt(name, text string) elem        { return xmlout.Opt("xdomea:"+name, text) }

// code is an element with a code and its list; list "" stands for the one that
// the schema fixes.
func code(name, list, version, value string) elem {
	e := el(name, xmlout.Tx("code", value))
	if list != "" {
		e.Attrs = append(e.Attrs, xmlout.Attr{Name: "listURI", Value: list})
	}
	if version != "" {
		e.Attrs = append(e.Attrs, xmlout.Attr{Name: "listVersionID", Value: version})
	}
	return e
}

// Name is how container and message are called: <ProzessID>_<name>.<number>.
func Name(d *Abgabe, number string) string {
	return strings.ToLower(d.Prozess) + "_" + names[number] + "." + number
}

// Write builds the message of that number in that version. What cannot be said
// in xdomea gives an *xmlout.UnmappableError.
func Write(d *Abgabe, number, version string, created time.Time) ([]byte, error) {
	if err := d.check(number, version); err != nil {
		return nil, err
	}
	root := el(names[number]+"."+number, d.kopf(number, created))
	root.Attrs = []xmlout.Attr{{Name: "xmlns:xdomea", Value: "urn:xoev-de:xdomea:schema:" + version}}
	for _, o := range d.Schriftgut {
		root.Kids = append(root.Kids, el("Schriftgutobjekt", o.elem(number)))
	}
	return xmlout.Render(root)
}

func (d *Abgabe) kopf(number string, created time.Time) elem {
	kopf := el("Kopf",
		tx("ProzessID", strings.ToLower(d.Prozess)),
		code("Nachrichtentyp", "urn:xoev-de:xdomea:codeliste:nachrichtentyp", "2.0", number),
		tx("Erstellungszeitpunkt", xoev.FormatTime(created)),
		d.Absender.elem("Absender"),
		d.Empfaenger.elem("Empfaenger"),
	)
	if number == Aussonderung {
		kopf.Kids = append(kopf.Kids, tx("Importbestaetigung", "1"), tx("RueckmeldungArchivkennung", "0"))
	}
	kopf.Kids = append(kopf.Kids, tx("Empfangsbestaetigung", "1"))
	return kopf
}

func (s Stelle) elem(name string) elem {
	key := elem{}
	if prefix, rest, ok := strings.Cut(s.Kennung, ":"); ok {
		key = el("Behoerdenkennung",
			code("Behoerdenschluessel", "", "", rest),
			code("Praefix", "urn:xoev-de:bund:bmi:bit:codeliste:dvdv.praefix", "", prefix),
		)
	}
	return el(name, key, el("Institution", tx("Name", s.Name)))
}

var kinds = map[string]string{"akte": "Akte", "vorgang": "Vorgang", "dokument": "Dokument"}

func (o Objekt) elem(number string) elem {
	if o.Art == "dokument" {
		d := Dokument{}
		if len(o.Dokumente) == 1 {
			d = o.Dokumente[0]
		}
		d.ID, d.Betreff, d.Kennzeichen = o.ID, first(o.Betreff, d.Betreff), first(o.Kennzeichen, d.Kennzeichen)
		return d.elem(number)
	}
	documents := xmlout.Each(o.Dokumente, func(d Dokument) elem { return d.elem(number) })
	kids := []elem{el("Identifikation", tx("ID", o.ID)), o.metadaten(), o.Laufzeit.elem()}
	switch {
	case len(documents) == 0:
	case o.Art == "akte":
		kids = append(kids, el("Akteninhalt", documents...))
	default:
		kids = append(kids, documents...)
	}
	return el(kinds[o.Art], kids...)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (o Objekt) metadaten() elem {
	plan := elem{}
	if o.Aktenplaneinheit != "" {
		plan = el("Aktenplaneinheit", tx("Kennzeichen", o.Aktenplaneinheit))
	}
	return metadaten(o.Betreff, o.Kennzeichen, plan)
}

func metadaten(betreff, kennzeichen string, plan elem) elem {
	if betreff+kennzeichen == "" && plan.Name == "" {
		return elem{}
	}
	return el("AllgemeineMetadaten", opt("Betreff", betreff), opt("Kennzeichen", kennzeichen), plan)
}

func (l Laufzeit) elem() elem {
	if l == (Laufzeit{}) {
		return elem{}
	}
	return el("Laufzeit", opt("Beginn", l.Beginn), opt("Ende", l.Ende))
}

func (d Dokument) elem(number string) elem {
	version := elem{}
	if number == Aussonderung && d.Datei != nil {
		version = el("Version", tx("Nummer", "1"), el("Format",
			code("Name", "urn:xoev-de:xdomea:codeliste:dateiformat", "2.0", d.Dateiformat),
			tx("Version", ""),
			el("Primaerdokument", tx("Dateiname", d.File()), opt("DateinameOriginal", d.Dateiname)),
		))
	}
	return el("Dokument", el("Identifikation", tx("ID", d.ID)), metadaten(d.Betreff, d.Kennzeichen, elem{}),
		opt("DatumDesSchreibens", d.Datum), version)
}

// File is how the document's file is called in the container: its UUID and the
// ending of its name; the name itself stands in the message only.
func (d Dokument) File() string {
	return strings.ToLower(d.ID) + strings.ToLower(ending.FindString(d.Dateiname))
}

var (
	ending     = regexp.MustCompile(`\.[A-Za-z0-9]{1,10}$`)
	uuidForm   = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	formatForm = regexp.MustCompile(`^[0-9]{3}$`)
)

func (d *Abgabe) check(number, version string) error {
	switch {
	case !slices.Contains(Versions, version):
		return xmlout.Unmappable("version", "is none that can be written")
	case !uuidForm.MatchString(d.Prozess):
		return xmlout.Unmappable("prozess", "is missing or no UUID")
	case d.Absender.Name == "":
		return xmlout.Unmappable("absender.name", "is missing")
	case d.Empfaenger.Name == "":
		return xmlout.Unmappable("empfaenger.name", "is missing")
	case len(d.Schriftgut) == 0:
		return xmlout.Unmappable("schriftgut", "is missing")
	}
	seen := map[string]bool{}
	for i, o := range d.Schriftgut {
		if err := o.check(fmt.Sprintf("schriftgut[%d]", i), number, seen); err != nil {
			return err
		}
	}
	return nil
}

func (o Objekt) check(field, number string, seen map[string]bool) error {
	switch {
	case !uuidForm.MatchString(o.ID):
		return xmlout.Unmappable(field+".id", "is missing or no UUID")
	case kinds[o.Art] == "":
		return xmlout.Unmappable(field+".art", "is none of akte, vorgang, dokument")
	case o.Art == "dokument" && len(o.Dokumente) > 1:
		return xmlout.Unmappable(field+".dokumente", "of a document are more than one")
	case !day(o.Laufzeit.Beginn) || !day(o.Laufzeit.Ende):
		return xmlout.Unmappable(field+".laufzeit", "has something that is no date")
	}
	for i, d := range o.Dokumente {
		if o.Art == "dokument" {
			d.ID = o.ID
		}
		if err := d.check(fmt.Sprintf("%s.dokumente[%d]", field, i), number, seen); err != nil {
			return err
		}
	}
	return nil
}

func (d Dokument) check(field, number string, seen map[string]bool) error {
	file := d.File()
	switch {
	case !uuidForm.MatchString(d.ID):
		return xmlout.Unmappable(field+".id", "is missing or no UUID")
	case !day(d.Datum):
		return xmlout.Unmappable(field+".datum", "is no date")
	case number != Aussonderung || d.Datei == nil:
		return nil
	case !formatForm.MatchString(d.Dateiformat):
		return xmlout.Unmappable(field+".dateiformat", "is missing or no code, and xdomea demands it of a file")
	case seen[file]:
		return xmlout.Unmappable(field+".id", "is that of another document")
	}
	seen[file] = true
	return nil
}

// day says whether s is a date, or nothing.
func day(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return s == "" || err == nil
}
