package open311

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub"
)

// outgoing is a report that is to be filed.
type outgoing struct {
	Meldung     meldung
	Case, Cause string
	Without     []string

	code        string // service_code of the other system
	description string
	place       url.Values
}

// forwardedData is the data of de.maengel.meldung-weitergeleitet.v1, as far as it is
// disclosed. It has no place for who reported.
type forwardedData struct {
	Meldung      meldung `json:"meldung"`
	Beschreibung string  `json:"beschreibung"`
	Ort          struct {
		Breite *float64 `json:"breite"`
		Laenge *float64 `json:"laenge"`
		Angabe string   `json:"angabe"`
	} `json:"ort"`
	Fotos []json.RawMessage `json:"fotos"`
}

// maxDescription is what description may have (GeoReport v2: 4,000 characters).
const maxDescription = 4000

// outgoing reads an event that forwards a report.
func (set *settings) outgoing(e hub.Event) (*outgoing, error) {
	var d forwardedData
	if e.Type() != typeForwarded || json.Unmarshal(e.Data(), &d) != nil {
		return nil, hub.Permanent(unmappable, "the event is no %s with its data", typeForwarded)
	}
	out := &outgoing{
		Meldung: d.Meldung, Cause: e.ID(), code: cmp.Or(set.Services[d.Meldung.Kategorie], d.Meldung.Kategorie), place: url.Values{},
	}
	// The case goes on; an event without one begins that of its report.
	out.Case = caseOf(e.Source(), d.Meldung.ID)
	if c, ok := e.Extensions()[hub.AttrCorrelationID].(string); ok && c != "" {
		out.Case = c
	}
	switch {
	case !idForm.MatchString(d.Meldung.ID) || out.code == "":
		return nil, hub.Permanent(unmappable, "the event lacks /meldung/id or /meldung/kategorie")
	case d.Ort.Breite != nil && d.Ort.Laenge != nil:
		out.place.Set("lat", strconv.FormatFloat(*d.Ort.Breite, 'f', -1, 64))
		out.place.Set("long", strconv.FormatFloat(*d.Ort.Laenge, 'f', -1, 64))
	case d.Ort.Angabe == "":
		return nil, hub.Permanent(unmappable, "the event has no place: GeoReport demands /ort/breite and /ort/laenge, or /ort/angabe")
	}
	if d.Ort.Angabe != "" {
		out.place.Set("address_string", d.Ort.Angabe)
	}
	if len(d.Fotos) > 0 { // GeoReport takes an address that everybody can open, and there is none
		out.Without = append(out.Without, "fotos")
	}
	out.describe(d.Beschreibung)
	return out, nil
}

func (out *outgoing) describe(text string) {
	most := maxDescription - utf8.RuneCountInString(mark(madeOf("")))
	out.description = strings.TrimSpace(strings.ToValidUTF8(text, "\ufffd"))
	if utf8.RuneCountInString(out.description) > most {
		out.description = shortened(out.description, most)
		out.Without = append(out.Without, "beschreibung-gekuerzt")
	}
}

// mark is the end of the description by which a report is found again whose sending was
// cut off: GeoReport knows no key for that.
func mark(id string) string { return "\n\n[Amtsbote " + strings.ReplaceAll(id, "-", "") + "]" }

// form is what is sent. The only contact in it is the office's own.
func (out *outgoing) form(set *settings, mark string) url.Values {
	form := url.Values{"service_code": {out.code}, "description": {strings.TrimSpace(out.description + mark)}}
	for name, values := range out.place {
		form[name] = values
	}
	if set.Email != "" {
		form.Set("email", set.Email)
	}
	return form
}
