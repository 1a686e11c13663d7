package zms

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
	_ "time/tzdata" // the days of ZMS are those of Berlin wherever the hub runs

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/hub"
)

// typePrefix and typeVersion are around what is told.
const typePrefix, typeVersion = "de.termin.", ".v1"

// Type is the type of the events that tell it.
func Type(what string) string { return typePrefix + what + typeVersion }

var tokenForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// termin is the shared part gemeinsam.terminbezug.
type termin struct {
	ID           string   `json:"id"`
	Dienststelle string   `json:"dienststelle"`
	Leistungen   []string `json:"leistungen,omitempty"`
	Leika        string   `json:"leika,omitempty"`
	Beginn       string   `json:"beginn"`
	Dauer        int64    `json:"dauer,omitempty"`
}

// former is the appointment before a change.
type former struct {
	Dienststelle string   `json:"dienststelle"`
	Leistungen   []string `json:"leistungen,omitempty"`
	Beginn       string   `json:"beginn"`
	Dauer        int64    `json:"dauer,omitempty"`
}

type antrag struct {
	ID string `json:"id"`
}

// secret makes ids that nobody can guess back to a process number.
type secret []byte

// id is a UUID (version 8, RFC 9562) made of the parts.
func (s secret) id(parts ...string) string {
	mac := hmac.New(sha256.New, s)
	for _, part := range parts {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	u := uuid.UUID(mac.Sum(nil)[:16])
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return u.String()
}

// of is the id of an appointment in events.
func (s secret) of(o Observation) string {
	if o.Token != "" {
		return o.Token
	}
	return s.id("termin", o.Process, strconv.FormatInt(o.Created, 10))
}

// eventID is the same each time that the same is found out, also after the journal was
// lost.
func (s secret) eventID(f fact) string {
	changed := f.of.Changed
	if changed == 0 {
		changed = f.of.Begin
	}
	return s.id("ereignis", f.what, f.of.Process, strconv.FormatInt(f.of.Created, 10), strconv.FormatInt(changed, 10), strconv.Itoa(f.of.Bookings))
}

// teller makes events of facts.
type teller struct {
	source, ags string
	secret      secret
	zone        *time.Location
}

func (t *teller) stamp(unix int64) string { return time.Unix(unix, 0).In(t.zone).Format(time.RFC3339) }

func (t *teller) termin(e entry) termin {
	return termin{e.ID, e.Dienststelle, e.Leistungen, e.Leika, t.stamp(e.Begin), e.Minutes}
}

var errNoJSON = errors.New("write event data: it has no JSON")

// event tells a fact. cause is the id of the event that ordered it, "" for none.
func (t *teller) event(f fact, cause string) (hub.Event, error) {
	data := map[string]any{"termin": t.termin(f.of), timeField[f.what]: t.stamp(f.at)}
	if f.of.Antrag != "" {
		data["antrag"] = antrag{f.of.Antrag}
	}
	if f.before != nil {
		before := t.termin(*f.before)
		data["bisher"] = former{before.Dienststelle, before.Leistungen, before.Beginn, before.Dauer}
	}
	e := t.envelope(Type(f.what), f.of.ID, f.of.Case, cause)
	e.SetID(t.secret.eventID(f))
	e.SetTime(time.Unix(f.at, 0).UTC())
	if err := e.SetData("application/json", data); err != nil {
		return e, errNoJSON
	}
	return e, nil
}

// timeField names the moment in an event's data.
var timeField = map[string]string{
	gebucht: "gebucht", geaendert: "geaendert", aufgerufen: "aufgerufen", erschienen: "erschienen",
	versaeumt: "festgestellt", abgeschlossen: "abgeschlossen", abgesagt: "abgesagt",
}

// envelope are the attributes: the matter is the appointment.
func (t *teller) envelope(kind, subject, vorgang, cause string) hub.Event {
	e := cloudevents.New()
	e.SetSource(t.source)
	e.SetType(kind)
	e.SetSubject(subject)
	e.SetDataSchema("urn:amtsbote:schema:" + kind)
	for name, value := range map[string]string{
		hub.AttrCorrelationID: vorgang, hub.AttrCausationID: cause, hub.AttrAGS: t.ags,
		hub.AttrDataClassification: "confidential", hub.AttrDataRegulation: "GDPR",
	} {
		if value != "" {
			e.SetExtension(name, value)
		}
	}
	return e
}
