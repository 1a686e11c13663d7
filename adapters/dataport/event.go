package dataport

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/hub"
)

// generalType is the event of a submission whose data have no type of their own.
const generalType = "de.antrag.eingereicht.v1"

const schemaPrefix = "urn:amtsbote:schema:"

// application is the data of generalType, and of types that add daten to it.
type application struct {
	Antrag struct {
		ID       string `json:"id"`
		Leistung string `json:"leistung,omitempty"`
	} `json:"antrag"`
	Eingereicht  string        `json:"eingereicht"`
	Antragsdatum string        `json:"antragsdatum,omitempty"`
	Zeichen      string        `json:"zeichen,omitempty"`
	Onlinedienst *onlinedienst `json:"onlinedienst,omitempty"`
	Rueckkanal   *rueckkanal   `json:"rueckkanal,omitempty"`
	Statusmon    string        `json:"statusmonitor,omitempty"`
	Bescheid     *bool         `json:"bescheidDigital,omitempty"`
	Fachschema   *fachschema   `json:"fachschema,omitempty"`
	Original     *blob         `json:"original,omitempty"`
	Metadaten    *blob         `json:"metadaten,omitempty"`
	Anlagen      []anlage      `json:"anlagen,omitempty"`
	// Daten are the application data as they came.
	Daten json.RawMessage `json:"daten,omitempty"`
}

type onlinedienst struct {
	Name    string `json:"name,omitempty"`
	Produkt string `json:"produkt,omitempty"`
	Version string `json:"version,omitempty"`
}

type rueckkanal struct {
	Art     string `json:"art"`
	Adresse string `json:"adresse,omitempty"`
}

type fachschema struct {
	URI       string `json:"uri"`
	MediaType string `json:"mediaType"`
}

type blob struct {
	Ref       string `json:"ref"`
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	MediaType string `json:"mediaType"`
	Filename  string `json:"filename,omitempty"`
}

type anlage struct {
	ID          string `json:"id"`
	Zweck       string `json:"zweck"`
	Bezeichnung string `json:"bezeichnung,omitempty"`
	TypErkannt  string `json:"typErkannt,omitempty"`
	Dokument    *blob  `json:"dokument,omitempty"` // none for one without content
}

// channels are the reply channels by their names in the event.
var channels = map[string]string{
	"eMail": "email", "deMail": "de-mail", "fink": "fink", "elster": "elster", "fitConnect": "fit-connect", "idBundDeMailbox": "bundid",
}

// publish stores all parts with the hub, remembers that it will have the event,
// and gives it to it.
func (s *source) publish(ctx context.Context, in hub.Intake, o *opened) error {
	data, err := s.store(ctx, in.Blobs(), o)
	if err != nil {
		return err
	}
	e, err := s.event(o, data)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, o.Submission, func(r *record) {
		r.Case, r.At, r.Tags = o.Case, o.submit.IssuedAt, o.submit.Payload.Tags.Digest()
		if r.Step != due {
			r.Step, r.Refusal = publishing, nil
		}
	})
	if err != nil {
		return fromHub{err}
	}
	if err := in.Publish(ctx, e); err != nil {
		return hubError("publish", err)
	}
	r, err := s.change(ctx, o.Submission, func(r *record) {
		if r.Step == publishing {
			r.Step = isStored
		}
	})
	if err != nil {
		return fromHub{err}
	}
	switch r.Step {
	case due:
		return s.sendAccept(ctx, o.Listed, r)
	case isStored:
		return s.waits(ctx, in, o.Listed, r)
	}
	return nil
}

// hubError tells the hub being away from its refusal of this event.
func hubError(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", doing, err)
	if hub.FaultOf(err).Permanent {
		return err
	}
	return fromHub{err}
}

// store gives the parts to the hub, decrypting as they are read.
func (s *source) store(ctx context.Context, blobs hub.Blobs, o *opened) (*application, error) {
	a := s.describe(o)
	var err error
	if a.Metadaten, _, err = put(ctx, blobs, bytes.NewReader(o.rawMeta), "application/json", ""); err != nil {
		return nil, err
	}
	if o.data != nil {
		m := o.metadata.Data
		a.Fachschema = &fachschema{m.SchemaURI, m.MIMEType}
		if a.Original, _, err = put(ctx, blobs, o.data.content.Reader(s.set.MaxDaten), m.MIMEType, ""); err != nil {
			return nil, err
		}
	}
	for _, m := range o.metadata.Attachments {
		one := anlage{ID: m.ID, Zweck: zwecke[m.Purpose], Bezeichnung: short(m.Description, 500)}
		if one.Dokument, one.TypErkannt, err = put(ctx, blobs, o.attachment(m, s.set.MaxAnlage), m.MIMEType, short(m.Filename, 255)); err != nil {
			return nil, err
		}
		a.Anlagen = append(a.Anlagen, one)
	}
	return a, nil
}

var zwecke = map[string]string{"form": "formular", "attachment": "anlage", "report": "bericht", "data": "fachdaten"}

// put stores one part; nil for an empty one, which no reference can name.
func put(ctx context.Context, blobs hub.Blobs, r io.Reader, mediaType, filename string) (*blob, string, error) {
	head := &firstBytes{}
	ref, err := blobs.Put(ctx, io.TeeReader(r, head))
	if err != nil {
		return nil, "", hubError("store a part", err)
	}
	if ref.Size == 0 {
		return nil, "", nil
	}
	return &blob{ref.Ref, ref.SHA256, ref.Size, mediaType, filename}, head.kind(), nil
}

// describe is what the metadata and the service say.
func (s *source) describe(o *opened) *application {
	m, a := o.metadata, &application{}
	a.Antrag.ID, a.Antrag.Leistung = o.Submission, o.leistung
	a.Eingereicht = o.submit.IssuedAt.UTC().Format(time.RFC3339)
	a.Antragsdatum, a.Zeichen, a.Statusmon, a.Bescheid = m.ApplicationDate, short(m.SenderReference, 200), m.StatusID, m.DigitalConsent
	dienst := onlinedienst{short(m.Author.Name, 200), short(m.Author.Product.Name, 200), short(m.Author.Product.Version, 100)}
	if dienst != (onlinedienst{}) {
		a.Onlinedienst = &dienst
	}
	if c := m.ReplyChannel; c != nil {
		if art := channels[c.Kind]; art != "" {
			a.Rueckkanal = &rueckkanal{art, short(c.Address, 320)}
		}
	}
	return a
}

// short cuts a text and takes control characters out of it.
func short(text string, most int) string {
	clean := []rune(strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)))
	return strings.TrimSpace(string(clean[:min(len(clean), most)]))
}

// subjectData decides what the application data become: where their schema has an
// event type of its own, and they are JSON, they go into the event as they came; all
// others are a reference. A mapping of JSON or XML to other fields belongs here.
func (s *source) subjectData(o *opened, a *application) (eventType string, err error) {
	f, known := s.set.data(o.metadata.Data.SchemaURI)
	if o.data == nil || !known || f.Typ == "" || o.metadata.Data.MIMEType != "application/json" {
		return generalType, nil
	}
	a.Daten, err = io.ReadAll(o.data.content.Reader(s.set.MaxDaten))
	return f.Typ, err
}

// event puts the submission into a CloudEvent. All of it follows from the
// submission, so that a repetition is the same event.
func (s *source) event(o *opened, a *application) (hub.Event, error) {
	eventType, err := s.subjectData(o, a)
	if err != nil {
		return hub.Event{}, err
	}
	data, err := json.Marshal(a)
	if err != nil {
		return hub.Event{}, fmt.Errorf("write event data: %w", err)
	}
	e := cloudevents.New()
	e.SetID(o.Submission)
	e.SetSource(s.set.Source)
	e.SetType(eventType)
	e.SetSubject(o.Case)
	e.SetTime(o.submit.IssuedAt)
	e.SetDataSchema(schemaPrefix + eventType)
	e.SetExtension(hub.AttrCorrelationID, o.Case)
	if s.set.AGS != "" {
		e.SetExtension(hub.AttrAGS, s.set.AGS)
	}
	if err := e.SetData("application/json", data); err != nil {
		return hub.Event{}, fmt.Errorf("write event data: %w", err)
	}
	return e, nil
}
