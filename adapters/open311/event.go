package open311

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/hub"
)

// The types of the events that the source makes.
const (
	typeReceived  = "de.maengel.meldung-eingegangen.v1"
	typeAssigned  = "de.maengel.meldung-zugewiesen.v1"
	typeChanged   = "de.maengel.meldung-stand-geaendert.v1"
	typeSolved    = "de.maengel.meldung-geloest.v1"
	typeRejected  = "de.maengel.meldung-nicht-loesbar.v1"
	typeForwarded = "de.maengel.meldung-weitergeleitet.v1"
	typeConfirmed = "de.maengel.weiterleitung-bestaetigt.v1"
)

// original is the shared part of the schemas: a reference to stored bytes.
type original struct {
	Ref       string `json:"ref"`
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	MediaType string `json:"mediaType"`
}

// The data of the events, as schemas/ has them.
type (
	receivedData struct {
		Meldung  meldung    `json:"meldung"`
		Enthaelt []string   `json:"enthaelt,omitempty"`
		Inhalt   *original  `json:"inhalt,omitempty"`
		Fotos    []original `json:"fotos,omitempty"`
		Erwartet string     `json:"erwartet,omitempty"`
	}
	assignedData struct {
		Meldung    meldung `json:"meldung"`
		Stelle     stelle  `json:"stelle"`
		Zugewiesen string  `json:"zugewiesen"`
		Erwartet   string  `json:"erwartet,omitempty"`
	}
	stelle struct {
		Schluessel string `json:"schluessel"`
		Name       string `json:"name,omitempty"`
	}
	changedData struct {
		Meldung     meldung   `json:"meldung"`
		Stand       string    `json:"stand"`
		Einzelstand string    `json:"einzelstand,omitempty"`
		Wieder      bool      `json:"wiederGeoeffnet,omitempty"`
		Hinweis     string    `json:"hinweis,omitempty"`
		Inhalt      *original `json:"inhalt,omitempty"`
		Geaendert   string    `json:"geaendert"`
	}
	solvedData struct {
		Meldung meldung `json:"meldung"`
		Geloest string  `json:"geloest"`
		Hinweis string  `json:"hinweis,omitempty"`
	}
	rejectedData struct {
		Meldung     meldung `json:"meldung"`
		Grund       string  `json:"grund"`
		Hinweis     string  `json:"hinweis,omitempty"`
		Geschlossen string  `json:"geschlossen"`
	}
	confirmedData struct {
		Meldung   meldung  `json:"meldung"`
		Kennung   string   `json:"kennung,omitempty"`
		Token     string   `json:"token,omitempty"`
		Ohne      []string `json:"nichtUebertragen,omitempty"`
		Bestatigt string   `json:"bestaetigt"`
	}
)

// caseOf is the case of a report: the same for all its events.
func caseOf(source, id string) string { return madeOf("vorgang", source, id) }

// madeOf makes an id of what identifies something, the same in every attempt.
func madeOf(parts ...string) string {
	name := "open311"
	for _, p := range parts {
		name += fmt.Sprintf("|%d:%s", len(p), p)
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
}

// matter is what all events of a report have in common.
type matter struct{ Case, Cause string }

// event makes one; ident tells it from the others of the report.
func (set *settings) event(of matter, typ string, at time.Time, data any, ident ...string) (hub.Event, error) {
	e := cloudevents.New()
	e.SetID(madeOf(append([]string{set.Source, of.Case, typ}, ident...)...))
	e.SetSource(set.Source)
	e.SetType(typ)
	e.SetSubject(of.Case)
	e.SetTime(at.UTC())
	e.SetDataSchema("urn:amtsbote:schema:" + typ)
	e.SetExtension(hub.AttrCorrelationID, of.Case)
	e.SetExtension(hub.AttrDataClassification, "confidential")
	e.SetExtension(hub.AttrDataRegulation, "GDPR")
	if of.Cause != "" {
		e.SetExtension(hub.AttrCausationID, of.Cause)
	}
	if set.AGS != "" {
		e.SetExtension(hub.AttrAGS, set.AGS)
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return e, errors.New("write event data: it has no JSON")
	}
	return e, e.SetData("application/json", json.RawMessage(raw))
}

// ended is the event of a report that is closed. ident tells one ending of the report
// from another.
func (set *settings) ended(of matter, m meldung, r *report, ident ...string) (hub.Event, error) {
	at := stamp(r.updated)
	if r.Reason != "" {
		return set.event(of, typeRejected, r.updated, rejectedData{m, r.Reason, r.Notes, at}, ident...)
	}
	return set.event(of, typeSolved, r.updated, solvedData{m, at, r.Notes}, ident...)
}

func (set *settings) assigned(of matter, m meldung, r *report, ident ...string) (hub.Event, error) {
	name := r.Agency
	if personal.MatchString(name) {
		name = ""
	}
	return set.event(of, typeAssigned, r.updated,
		assignedData{m, stelle{slug(name), name}, stamp(r.updated), r.expected}, ident...)
}

var letters = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss")

// slug makes a key of a name: small letters, digits and hyphens.
func slug(name string) string {
	var b strings.Builder
	for _, c := range letters.Replace(strings.ToLower(name)) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	key := strings.TrimLeft(b.String(), "0123456789-")
	if len(key) > 60 {
		key = key[:60]
	}
	return cmp.Or(strings.Trim(key, "-"), unknown)
}

// unknown is the key of a name that has no letters.
const unknown = "unbekannt"
