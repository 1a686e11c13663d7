package fitsim

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// Application is what a citizen hands in at an online service.
type Application struct {
	Destination string `json:"zustellpunkt"`
	Service     string `json:"leistung"` // LeiKa key, 14 digits
	ServiceName string `json:"name"`
	Case        string `json:"vorgang"` // to add to a case; empty: a new one
	SchemaURI   string `json:"schema"`
	// Data are the application data; JSON, or XML as a JSON text.
	Data     json.RawMessage `json:"daten"`
	DataType string          `json:"datentyp"` // application/json (default), application/xml
	// Metadata are added to, or replace, those that are made.
	Metadata    map[string]any `json:"metadaten"`
	Attachments []Attachment   `json:"anlagen"`
	// Submission is the id that it gets; empty: a new one.
	Submission string `json:"-"`
	// Zip compresses metadata and data, as version 1 did.
	Zip bool `json:"zip"`
}

// Attachment of an application.
type Attachment struct {
	Filename    string `json:"dateiname"`
	Type        string `json:"typ"`
	Purpose     string `json:"zweck"`       // form, attachment (default), report, data
	Description string `json:"bezeichnung"` // optional
	Content     []byte `json:"inhalt"`      // base64
	// Open, if given, gives the content instead; it is called twice.
	Open func() (io.ReadCloser, error) `json:"-"`
	// Fragments cuts the content into so many parts.
	Fragments int `json:"-"`
}

func (a Attachment) open() (io.ReadCloser, error) {
	if a.Open != nil {
		return a.Open()
	}
	return io.NopCloser(bytes.NewReader(a.Content)), nil
}

// Submitted says where an application went.
type Submitted struct {
	Submission string `json:"submissionId"`
	Case       string `json:"caseId"`
}

// desk carries one application through.
type desk struct {
	s      *Server
	app    Application
	to     fit.PublicKey
	effect Effect
	m      *submission
	meta   []any // of attachments
}

// Submit encrypts an application to its destination and hands it in, as an online
// service does it.
func (s *Server) Submit(app Application) (Submitted, error) {
	destination, known := s.opt.Destinations[strings.ToLower(app.Destination)]
	if !known {
		return Submitted{}, errors.New("submit: there is no such destination")
	}
	if app.DataType == "" {
		app.DataType = "application/json"
	}
	if app.SchemaURI == "" {
		app.SchemaURI = "urn:amtsbote:demo:antrag"
	}
	d := &desk{s: s, app: app, to: destination.Encryption, effect: s.next(opSubmit)}
	return d.submit(destination)
}

func (d *desk) submit(destination Destination) (Submitted, error) {
	if d.effect == OtherKey || d.effect == UnknownKey {
		other, err := fit.NewKey(d.s.opt.MinBits)
		if err != nil {
			return Submitted{}, err
		}
		if d.effect == OtherKey {
			other.ID = d.to.ID
		}
		d.to = other.Public()
	}
	d.m = &submission{
		id: d.app.Submission, destination: strings.ToLower(d.app.Destination), theCase: d.app.Case, region: destination.Region, announced: []string{}, serviceName: d.app.ServiceName,
	}
	if d.app.Service != "" {
		d.m.service = "urn:de:fim:leika:leistung:" + d.app.Service
	}
	d.s.begin(d.m)
	for _, a := range d.app.Attachments {
		if err := d.attach(a); err != nil {
			return Submitted{}, fmt.Errorf("submit: %w", err)
		}
	}
	if err := d.seal(); err != nil {
		return Submitted{}, fmt.Errorf("submit: %w", err)
	}
	by := d.s.opt.Key
	if d.effect == ForeignIssuer {
		stranger, err := fit.NewKey(d.s.opt.MinBits)
		if err != nil {
			return Submitted{}, err
		}
		by = stranger
	}
	d.s.mu.Lock()
	d.s.finish(d.m, by)
	d.s.mu.Unlock()
	err := d.swap()
	d.s.call(d.m)
	return Submitted{d.m.id, d.m.theCase}, err
}

// attach encrypts an attachment, or its fragments, to disk.
func (d *desk) attach(a Attachment) error {
	r, err := a.open()
	if err != nil {
		return err
	}
	sum := sha512.New()
	size, err := io.Copy(sum, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	if r, err = a.open(); err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	id := uuid.NewString()
	parts := max(a.Fragments, 1)
	var fragments []string
	for i := range parts {
		part, piece := id, io.Reader(r)
		if a.Fragments > 0 {
			part = uuid.NewString()
			fragments = append(fragments, part)
			if i < parts-1 {
				piece = io.LimitReader(r, size/int64(parts))
			}
		}
		d.m.announced = append(d.m.announced, part)
		if err := d.s.keep(d.m, part, func(w io.Writer) (string, error) { return fit.Seal(w, d.to, "application/json", piece) }); err != nil {
			return err
		}
	}
	d.describe(a, id, hex.EncodeToString(sum.Sum(nil)), fragments)
	return nil
}

// describe adds an attachment to the metadata.
func (d *desk) describe(a Attachment, id, hash string, fragments []string) {
	if d.effect == WrongHash && len(d.meta) == 0 {
		hash = strings.Repeat("0", 128)
	}
	if a.Purpose == "" {
		a.Purpose = "attachment"
	}
	m := map[string]any{
		"attachmentId": id, "purpose": a.Purpose, "filename": a.Filename, "description": a.Description, "mimeType": a.Type,
		"hash": map[string]string{"type": "sha512", "content": hash},
	}
	if fragments != nil {
		m["fragments"] = fragments
	}
	d.meta = append(d.meta, m)
}
