package open311

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

// report is an entry of a list of requests that was understood.
type report struct {
	meldung

	Status, Detail, Reason string // offen or geschlossen; the portal's words; grund
	Agency                 string
	Notes                  string // that may stand in an event
	updated                time.Time
	expected               string
	media                  string
	content                content
}

// meldung is the shared part maengelmeldung of the schemas.
type meldung struct {
	ID            string `json:"id"`
	Kategorie     string `json:"kategorie"`
	KategorieName string `json:"kategorieName,omitempty"`
	Eingegangen   string `json:"eingegangen,omitempty"`
}

// content is what is stored apart from the event: what the report says, and who
// reported where the portal tells that.
type content struct {
	ID           string            `json:"service_request_id"`
	Beschreibung string            `json:"beschreibung,omitempty"`
	Ort          *ort              `json:"ort,omitempty"`
	MediaURL     string            `json:"media_url,omitempty"`
	Hinweis      string            `json:"hinweis,omitempty"`
	Kontakt      map[string]string `json:"kontakt,omitempty"`
}

type ort struct {
	Breite   string `json:"breite,omitempty"`
	Laenge   string `json:"laenge,omitempty"`
	Angabe   string `json:"angabe,omitempty"`
	Adresse  string `json:"address_id,omitempty"`
	Postleit string `json:"plz,omitempty"`
}

// contact are the fields that tell of the person who reported.
var contact = []string{"email", "first_name", "last_name", "phone", "account_id", "device_id", "name", "requestor_name", "author", "author_email"}

// agency is where agency_responsible stands: as a text, or as FixMyStreet has it.
var agency = []string{
	"agency_responsible", "agency_responsible.recipient", "agency_responsible.recipient.*", "agency_responsible.*", "agency_responsible.*.recipient",
}

var (
	idForm = regexp.MustCompile(`^[0-9A-Za-z._-]{1,64}$`)
	// personal finds what looks like an e-mail address or a telephone number.
	personal = regexp.MustCompile(`[^\s@]@[^\s@]|(?:\+|\b0)[0-9][0-9 ()/.-]{5,}[0-9]`)
	// dates are no telephone numbers, unless digits stand before them: 089 12.10.56.
	dates = regexp.MustCompile(`(^|[^0-9\s/.)+-])(\s*)(?:0?[1-9]|[12][0-9]|3[01])\.(?:0?[1-9]|1[0-2])\.(?:[0-9]{4}|[0-9]{2})?`)
)

// read understands an entry; why says what is wrong with it, without quoting it.
func (set *settings) read(f georeport.Fields) (r *report, why string) {
	d := set.Details
	r = &report{meldung: meldung{ID: f["service_request_id"]}}
	status := f["status"]
	r.Detail = shortened(f.First(d.Detail...), 100)
	r.Status, r.Reason = d.state(status), d.reason(status, r.Detail)
	switch {
	case !idForm.MatchString(r.ID):
		return r, "service_request_id is missing, or not of the form " + idForm.String()
	case r.Status == "":
		return r, "status is missing, or not among details.open and details.closed"
	}
	if why := r.classify(set, f); why != "" {
		return r, why
	}
	if why := r.times(set, f); why != "" {
		return r, why
	}
	r.Agency = shortened(f.First(agency...), 200)
	r.media = f["media_url"]
	r.describe(f, f.First(d.Notes...), set.Notes)
	return r, ""
}

func (r *report) classify(set *settings, f georeport.Fields) (why string) {
	r.Kategorie = cmp.Or(set.Services[f["service_code"]], f["service_code"])
	if key := slug(r.Kategorie); !idForm.MatchString(r.Kategorie) && key != unknown { // FixMyStreet has the name there
		r.Kategorie = key
	}
	if !idForm.MatchString(r.Kategorie) {
		return "service_code is missing, or not of the form " + idForm.String() + "; the setting services can give it another key"
	}
	r.KategorieName = shortened(f["service_name"], 200)
	return ""
}

const expected = "expected_datetime"

func (r *report) times(set *settings, f georeport.Fields) (why string) {
	var all [3]time.Time
	for i, name := range []string{"requested_datetime", "updated_datetime", expected} {
		if f[name] == "" {
			continue
		}
		t, err := georeport.Time(f[name], set.zone)
		if err != nil && name == expected { // a promise, often a day alone; the report does not hang on it
			continue
		}
		if err != nil {
			return name + " is " + err.Error() + " (setting zone)"
		}
		all[i] = t
	}
	if all[0].IsZero() && all[1].IsZero() {
		return "requested_datetime and updated_datetime are missing"
	}
	r.Eingegangen, r.expected = stamp(all[0]), stamp(all[2])
	if r.updated = all[1]; r.updated.IsZero() {
		r.updated = all[0]
	}
	return ""
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// describe puts apart what is personal. Notes are published by the portal; with
// something that looks like a way to reach somebody they are personal nevertheless.
func (r *report) describe(f georeport.Fields, notes, where string) {
	c := content{ID: r.ID, Beschreibung: f["description"], MediaURL: f["media_url"], Hinweis: notes}
	o := ort{
		Breite: f.First("lat", "location.coordinates.1"), Laenge: f.First("long", "lon", "location.coordinates.0"),
		Angabe: f.First("address", "address_string"), Adresse: f["address_id"], Postleit: f["zipcode"],
	}
	if o != (ort{}) {
		c.Ort = &o
	}
	for _, name := range contact {
		if v := f[name]; v != "" {
			if c.Kontakt == nil {
				c.Kontakt = map[string]string{}
			}
			c.Kontakt[name] = v
		}
	}
	r.content = c
	if where == notesEvent && !personal.MatchString(dates.ReplaceAllString(notes, " ")) {
		r.Notes = shortened(notes, 4000)
	}
}

func (c content) contains() []string {
	var out []string
	for _, one := range []struct {
		name  string
		there bool
	}{{"beschreibung", c.Beschreibung != ""}, {"position", c.Ort != nil}, {"foto", c.MediaURL != ""}, {"kontakt", c.Kontakt != nil}} {
		if one.there {
			out = append(out, one.name)
		}
	}
	return out
}

func (c content) bytes() []byte {
	raw, _ := json.MarshalIndent(c, "", " ") // texts and maps of texts alone
	return raw
}

// standing is a digest of what the status says, extent of what the report says.
func (r *report) standing() string {
	return digest(r.Status, r.Detail, r.Reason, r.content.Hinweis)
}

func (r *report) extent() string {
	c := r.content
	c.Hinweis = ""
	return digest(string(c.bytes()))
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// shortened cuts a text to so many characters, and what UTF-8 does not have out of it.
func shortened(text string, most int) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\ufffd"))
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:most]))
}
