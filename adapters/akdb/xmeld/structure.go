package xmeld

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// StructureError says where a message is not what XMeld demands. It names
// elements and never their values.
type StructureError struct {
	// Code is that of a Rückweisung (XInneres, list of error codes): X001 not
	// valid, S011 bad code, S030 empty mandatory text.
	Code         string
	Path         string // local names from the element at Line, Column on
	Line, Column int
	What         string
}

// Error implements error.
func (e *StructureError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s %s (%s)", e.Line, e.Column, e.Path, e.What, e.Code)
}

// reader takes values out of a tree and remembers the first that is not there
// or not right, so that reading reads like the structure.
type reader struct{ err error }

func (r *reader) fail(code string, e *xmlguard.Element, path []string, what string) {
	if r.err != nil {
		return
	}
	failed := &StructureError{Code: code, Path: strings.Join(path, "/"), What: what}
	if e != nil {
		failed.Line, failed.Column = e.Line, e.Column
	}
	r.err = failed
}

// elem gives the element at the path, which must be there.
func (r *reader) elem(e *xmlguard.Element, path ...string) *xmlguard.Element {
	found := e.At(path...)
	if found == nil {
		r.fail("X001", e, path, "is missing")
	}
	return found
}

// text gives the text at the path, which must not be empty.
func (r *reader) text(e *xmlguard.Element, path ...string) string {
	v := r.elem(e, path...).Value()
	if v == "" {
		r.fail("S030", e, path, "is empty")
	}
	return v
}

// match gives the text at the path, which must fit.
func (r *reader) match(code string, fits *regexp.Regexp, e *xmlguard.Element, path ...string) string {
	v := r.text(e, path...)
	if !fits.MatchString(v) {
		r.fail(code, e, path, "has no allowed value")
	}
	return v
}

// optional gives the text at the path, which must fit if it is there.
func (r *reader) optional(code string, fits *regexp.Regexp, e *xmlguard.Element, path ...string) string {
	if e.Value(path...) == "" {
		return ""
	}
	return r.match(code, fits, e, path...)
}

// date gives the day at the path.
func (r *reader) date(e *xmlguard.Element, path ...string) string {
	v := r.text(e, path...)
	if !validDate(v) {
		r.fail("X001", e, path, "is no date")
	}
	return v
}

func validDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// partForms is in the order in which a date is looked for: the most exact first.
var partForms = []struct{ name, form string }{{"jahrMonatTag", time.DateOnly}, {"jahrMonat", "2006-01"}, {"jahr", "2006"}}

// partDate gives a date that may be known in part or not at all.
func (r *reader) partDate(e *xmlguard.Element) PartDate {
	if e.Child("unbekannt") != nil {
		return PartDate{Given: true}
	}
	for _, p := range partForms {
		part := e.At("teilbekanntesDatum", p.name)
		if part == nil {
			continue
		}
		if _, err := time.Parse(p.form, part.Value()); err != nil {
			r.fail("X001", part, []string{p.name}, "is no date")
		}
		return PartDate{Value: part.Value(), Given: true}
	}
	r.fail("X001", e, []string{"teilbekanntesDatum"}, "is missing")
	return PartDate{}
}

// maybeDate gives such a date, or none when the message has none.
func (r *reader) maybeDate(e *xmlguard.Element) PartDate {
	if e == nil {
		return PartDate{}
	}
	return r.partDate(e)
}

// bezug gives a TagesdatumMitUnbekannt, or none when the message has none.
func (r *reader) bezug(e *xmlguard.Element) PartDate {
	switch {
	case e == nil:
		return PartDate{}
	case e.Child("unbekannt") != nil:
		return PartDate{Given: true}
	}
	return PartDate{Given: true, Value: r.date(e, "datum")}
}

// ereignis gives the case that is named at the path, nil when there is none.
func (r *reader) ereignis(e *xmlguard.Element, path ...string) *xoev.Ereignis {
	found := e.At(path...)
	if found == nil {
		return nil
	}
	id, ok := wellFormed(xoev.Ereignis{Zeitpunkt: r.text(found, "ereignis.zeitpunkt"), Zeichen: r.text(found, "ereignis.zeichen")})
	if !ok {
		r.fail("X001", found, path, "has no time or a reference of more than 100 characters")
	}
	return &id
}

// wellFormed gives the case as event data has it, with a zone.
func wellFormed(e xoev.Ereignis) (xoev.Ereignis, bool) {
	_, err := xoev.ParseTime(e.Zeitpunkt)
	e.Zeitpunkt = xoev.WithZone(e.Zeitpunkt)
	n := utf8.RuneCountInString(e.Zeichen)
	return e, err == nil && n > 0 && n <= 100
}

// name gives an AllgemeinerName: its text, or "" where there rightly is none.
func (r *reader) name(e *xmlguard.Element) string {
	if e.Child("nichtVorhanden") != nil {
		return ""
	}
	return r.text(e, "name")
}
