package dataport

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

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
func (s *source) publish(ctx context.Context, in hub.Intake, o *opened, r record) error {
	if r.Step == due { // an application has it already, and only the tags were not known
		return s.learnTags(ctx, o)
	}
	as, mapped, err := s.compose(o)
	if err != nil {
		return err
	}
	data, err := s.store(ctx, in.Blobs(), o)
	if err != nil {
		return err
	}
	e, err := s.event(o, data, as, mapped)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, o.Submission, func(r *record) {
		r.Case, r.At, r.Tags = o.Case, o.submit.IssuedAt, o.submit.Payload.Tags.Digest()
		if r.Step != due {
			r.Step, r.Refusal, r.As = publishing, nil, &as
		}
	})
	if err != nil {
		return fromHub{err}
	}
	if err := in.Publish(ctx, e); err != nil {
		return s.unpublished(ctx, o, hubError("publish", err))
	}
	r, err = s.change(ctx, o.Submission, func(r *record) {
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

// unpublished lets an event that the hub refuses for good be composed otherwise when
// a person has it tried again.
func (s *source) unpublished(ctx context.Context, o *opened, err error) error {
	if _, away := errors.AsType[fromHub](err); away {
		return err
	}
	if _, lost := s.change(ctx, o.Submission, func(r *record) { r.As = nil }); lost != nil {
		return fromHub{lost}
	}
	return err
}

// learnTags remembers what the application has, and accepts it.
func (s *source) learnTags(ctx context.Context, o *opened) error {
	r, err := s.change(ctx, o.Submission, func(r *record) {
		r.Case, r.At, r.Tags = o.Case, o.submit.IssuedAt, o.submit.Payload.Tags.Digest()
	})
	if err != nil {
		return fromHub{err}
	}
	return s.sendAccept(ctx, o.Listed, r)
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
	if a.Metadaten, _, err = put(ctx, blobs, checked{bytes.NewReader(o.rawMeta), ""}, "application/json", ""); err != nil {
		return nil, err
	}
	if o.data != nil {
		m := o.metadata.Data
		a.Fachschema = &fachschema{m.SchemaURI, m.MIMEType}
		if a.Original, _, err = put(ctx, blobs, checked{o.data.content.Reader(o.limits.Daten), m.SHA512}, m.MIMEType, ""); err != nil {
			return nil, err
		}
	}
	for _, m := range o.metadata.Attachments {
		one := anlage{ID: m.ID, Zweck: zwecke[m.Purpose], Bezeichnung: short(m.Description, 500)}
		if one.Dokument, one.TypErkannt, err = put(ctx, blobs, checked{o.attachment(m), m.SHA512}, m.MIMEType, short(m.Filename, 255)); err != nil {
			return nil, err
		}
		a.Anlagen = append(a.Anlagen, one)
	}
	return a, nil
}

var zwecke = map[string]string{"form": "formular", "attachment": "anlage", "report": "bericht", "data": "fachdaten"}

// put stores one part; nil for an empty one, which no reference can name.
func put(ctx context.Context, blobs hub.Blobs, c checked, mediaType, filename string) (*blob, string, error) {
	head, sum, own := &firstBytes{}, sha512.New(), &ownErrors{r: c.content}
	ref, err := blobs.Put(ctx, io.TeeReader(own, io.MultiWriter(head, sum)))
	switch {
	case own.err != nil: // not the hub's doing
		return nil, "", fmt.Errorf("read a part: %w", own.err)
	case err != nil:
		return nil, "", hubError("store a part", err)
	case c.sha512 != "" && hex.EncodeToString(sum.Sum(nil)) != c.sha512:
		return nil, "", errChanged
	}
	if ref.Size == 0 {
		return nil, "", nil
	}
	return &blob{ref.Ref, ref.SHA256, ref.Size, mediaType, filename}, head.kind(), nil
}

// errChanged passes: the next try fetches all of it again.
var errChanged = errors.New("a part is not any more what was checked; is something else writing in the work directory?")

// checked is content that was found good, and is read once more.
type checked struct {
	content io.Reader
	sha512  string // of what was found good, hexadecimal; empty: it has not left memory
}

// ownErrors remembers an error of its reader.
type ownErrors struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (o *ownErrors) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		o.err = err
	}
	return n, err
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
