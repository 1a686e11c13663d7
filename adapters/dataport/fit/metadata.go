package fit

import (
	"errors"
	"fmt"
	"mime"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Metadata of a submission (or a reply), what is used of it. Families 1 and 2 of
// FITKO's schema are understood; members that are not named here are left out.
type Metadata struct {
	// Schema is $schema; family 1.0 may do without.
	Schema      string
	Data        DataPart
	Attachments []AttachmentPart
	// Service is publicServiceType.identifier (family 1).
	Service         string
	SenderReference string
	ApplicationDate string // yyyy-mm-dd
	// StatusID is idBundDeApplicationId, the application in the citizen's status monitor.
	StatusID       string
	DigitalConsent *bool // zustimmungZumDigitalenBescheid
	Author         Author
	ReplyChannel   *ReplyChannel
}

// DataPart describes the application data (Fachdaten).
type DataPart struct {
	SHA512    string // of the plaintext, lower-case hexadecimal
	SchemaURI string
	MIMEType  string // application/json, application/xml
}

// AttachmentPart describes one attachment.
type AttachmentPart struct {
	ID          string // UUID, lower case
	Purpose     string // form, attachment, report, data
	Filename    string
	Description string
	MIMEType    string
	SHA512      string // of the plaintext, lower-case hexadecimal
	// Fragments are the ids of the parts that make the attachment up, in order;
	// empty: it is one part of its own id. UNVERIFIED how they are put together.
	Fragments []string
}

// Parts are the ids of the encrypted parts of the attachment.
func (a AttachmentPart) Parts() []string {
	if len(a.Fragments) > 0 {
		return a.Fragments
	}
	return []string{a.ID}
}

// Author is the online service.
type Author struct {
	Name    string `json:"name"`
	Product struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"product"`
}

// ReplyChannel is where an answer may go; Kind is its name in the schema.
type ReplyChannel struct {
	Kind string // eMail, deMail, fink, elster, fitConnect, idBundDeMailbox
	// Address is the mail address, account, or mailbox of the kinds that have one.
	Address string
}

// MetadataError says what is wrong with metadata, by a problem's name and without
// a value.
type MetadataError struct {
	Problem string // SyntaxViolation, SchemaViolation, UnsupportedSchema
	Where   string // path of the member
}

// Error implements error.
func (e *MetadataError) Error() string { return "the metadata: " + e.Problem + ": " + e.Where }

var (
	metadataSchema = regexp.MustCompile(`^https://schema\.fitko\.de/fit-connect/metadata/([0-9]+)\.[0-9]+\.[0-9]+/metadata\.schema\.json$`)
	hashForm       = regexp.MustCompile(`^[a-f0-9]{128}$`)
	mimeForm       = regexp.MustCompile(`^[-\w.]+/[-\w.+]+$`)
	purposes       = []string{"form", "attachment", "report", "data"}
)

// ReadMetadata reads metadata by the schema that they name themselves.
func ReadMetadata(raw []byte) (*Metadata, error) {
	var w wireMetadata
	if err := strictJSON(raw, &w); err != nil {
		return nil, &MetadataError{SyntaxViolation, "no JSON, or a member has another type"}
	}
	family, err := w.family()
	if err != nil {
		return nil, err
	}
	m := &Metadata{Schema: w.Schema, Service: w.Service.Identifier, Author: w.Author}
	steps := []func(*Metadata, int) error{w.data, w.attachments, w.reference, w.reply}
	for _, step := range steps {
		if err := step(m, family); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (w *wireMetadata) family() (int, error) {
	found := metadataSchema.FindStringSubmatch(w.Schema)
	switch {
	case w.Schema == "", found != nil && found[1] == "1":
		return 1, nil
	case found != nil && found[1] == "2":
		return 2, nil
	}
	return 0, &MetadataError{UnsupportedSchema, "$schema"}
}

func violation(format string, args ...any) error {
	return &MetadataError{SchemaViolation, fmt.Sprintf(format, args...)}
}

func (w *wireMetadata) data(m *Metadata, family int) error {
	c := w.Content
	switch {
	case c == nil:
		return violation("contentStructure")
	case c.Data == nil && family == 1:
		return nil // the first family may do without data
	case c.Data == nil:
		return violation("contentStructure.data")
	case !c.Data.Hash.good():
		return violation("contentStructure.data.hash")
	case c.Data.Schema.URI == "" || len(c.Data.Schema.URI) > 2000:
		return violation("contentStructure.data.submissionSchema.schemaUri")
	case c.Data.Schema.MIMEType != "application/json" && c.Data.Schema.MIMEType != "application/xml":
		return violation("contentStructure.data.submissionSchema.mimeType")
	}
	m.Data = DataPart{SHA512: c.Data.Hash.Content, SchemaURI: c.Data.Schema.URI, MIMEType: c.Data.Schema.MIMEType}
	return nil
}

func (w *wireMetadata) attachments(m *Metadata, family int) error {
	if w.Content.Attachments == nil && family > 1 {
		return violation("contentStructure.attachments")
	}
	seen := map[string]bool{}
	for i, a := range w.Content.Attachments {
		part, err := a.part(i)
		if err != nil {
			return err
		}
		for _, id := range part.Parts() {
			if !IsUUID(id) || seen[id] {
				return violation("contentStructure.attachments[%d]: an id is none, or stands twice", i)
			}
			seen[id] = true
		}
		m.Attachments = append(m.Attachments, part)
	}
	return nil
}

func (a *wireAttachment) part(i int) (AttachmentPart, error) {
	at := func(member string) error { return violation("contentStructure.attachments[%d].%s", i, member) }
	_, _, err := mime.ParseMediaType(a.MIMEType)
	switch {
	case !IsUUID(strings.ToLower(a.ID)):
		return AttachmentPart{}, at("attachmentId")
	case !slices.Contains(purposes, a.Purpose):
		return AttachmentPart{}, at("purpose")
	case err != nil || !mimeForm.MatchString(a.MIMEType):
		return AttachmentPart{}, at("mimeType")
	case !a.Hash.good():
		return AttachmentPart{}, at("hash")
	}
	part := AttachmentPart{
		ID: strings.ToLower(a.ID), Purpose: a.Purpose, Filename: a.Filename, Description: a.Description,
		MIMEType: a.MIMEType, SHA512: a.Hash.Content,
	}
	for _, id := range a.Fragments {
		part.Fragments = append(part.Fragments, strings.ToLower(id))
	}
	return part, nil
}

func (w *wireMetadata) reference(m *Metadata, _ int) error {
	r := w.Reference
	if r.Date != "" {
		if _, err := time.Parse(time.DateOnly, r.Date); err != nil {
			return violation("additionalReferenceInfo.applicationDate")
		}
	}
	if id := strings.ToLower(r.StatusID); id == "" || IsUUID(id) {
		m.StatusID = id
	} else {
		return violation("additionalReferenceInfo.idBundDeApplicationId")
	}
	m.SenderReference, m.ApplicationDate, m.DigitalConsent = r.Sender, r.Date, r.Consent
	return nil
}

func (w *wireMetadata) reply(m *Metadata, _ int) error {
	if len(w.Reply) > 1 {
		return violation("replyChannel")
	}
	for kind, c := range w.Reply {
		address, known := c.address(kind)
		if known != nil {
			return known
		}
		m.ReplyChannel = &ReplyChannel{Kind: kind, Address: address}
	}
	return nil
}

// IsMetadata says whether err is about the metadata, and gives it.
func IsMetadata(err error) (*MetadataError, bool) { return errors.AsType[*MetadataError](err) }
