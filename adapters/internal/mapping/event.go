package mapping

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/hub"
)

// With is what an adapter knows of an input beside its content.
type With struct {
	// Source of the event, as the application owns it.
	Source string
	// Key is secret to this adapter: see CaseKey.
	Key []byte
	// ID is the event's id where the mapping names nothing that tells inputs
	// apart.
	ID string
	// Content is the document's bytes, for {content: true}.
	Content []byte
	// Meta is what came beside the document, by names in lower case.
	Meta map[string]string
}

const (
	caseKeyName  = "mapping-key"
	caseKeyBytes = 32
)

// CaseKey gives the adapter's secret, made at first use: subjects are made of it
// and of what the input names, so that a repetition gives the same event, and
// nobody finds the input's numbers by trying.
func CaseKey(ctx context.Context, s hub.State) ([]byte, error) {
	key, err := s.Get(ctx, caseKeyName)
	if err != nil {
		return nil, fmt.Errorf("read the key of the cases: %w", err)
	}
	if len(key) == caseKeyBytes {
		return key, nil
	}
	key = make([]byte, caseKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make the key of the cases: %w", err)
	}
	if err := s.Put(ctx, caseKeyName, key); err != nil {
		return nil, fmt.Errorf("keep the key of the cases: %w", err)
	}
	return key, nil
}

// Fits tells whether the mapping is for the input (when).
func (m *Mapping) Fits(d Doc) bool {
	for _, c := range m.when {
		s, code := one(d.root, c.from)
		if code != "" || !slices.Contains(c.is, s.text) {
			return false
		}
	}
	return true
}

// Set are mappings of one format; the first that fits an input is its own.
type Set []*Mapping

// Event makes an event of an input; a Permanent Fault says which rule it breaks.
func (s Set) Event(d Doc, w With) (hub.Event, error) {
	for _, m := range s {
		if m.Fits(d) {
			return m.Event(d, w)
		}
	}
	return hub.Event{}, refusal("when", codeNone)
}

// Event makes an event of an input. The same input and With give the same event.
func (m *Mapping) Event(d Doc, w With) (hub.Event, error) {
	id, err := m.idOf(d, w)
	if err != nil {
		return hub.Event{}, err
	}
	e := event.New(event.CloudEventsVersionV1)
	e.SetID(id)
	e.SetSource(w.Source)
	e.SetType(m.typ)
	if err := m.attributes(&e, d, w); err != nil {
		return hub.Event{}, err
	}
	data, err := makeObject(d.root, m.data)
	if err != nil {
		return hub.Event{}, err
	}
	raw, err := encode(data)
	if err != nil {
		return hub.Event{}, err
	}
	e.SetDataContentType(event.ApplicationJSON)
	e.DataEncoded = raw
	return e, nil
}

// encode writes data, names in order: the same data gives the same bytes.
func encode(data any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(data); err != nil {
		return nil, hub.Permanent("unmappable", "mapping: write the data: %w", errors.New("not JSON"))
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// attributes sets subject, correlationid, time and ags.
func (m *Mapping) attributes(e *hub.Event, d Doc, w With) error {
	e.SetSubject("v-" + token(w.Key, "id", e.ID()))
	if m.caseKey != nil {
		of, err := m.caseKey.textOf(d.root)
		if err != nil {
			return err
		}
		if of != "" {
			e.SetSubject("v-" + token(w.Key, "case", of))
			e.SetExtension(hub.AttrCorrelationID, e.Subject())
		}
	}
	if err := m.extension(e, m.correlationID, d, hub.AttrCorrelationID, caseForm.MatchString, codeCase); err != nil {
		return err
	}
	if err := m.extension(e, m.ags, d, hub.AttrAGS, agsForm.MatchString, codeAGS); err != nil {
		return err
	}
	return m.timeOf(e, d)
}

func (m *Mapping) extension(e *hub.Event, r *rule, d Doc, name string, fits func(string) bool, code string) error {
	if r == nil {
		return nil
	}
	v, err := r.textOf(d.root)
	switch {
	case err != nil:
		return err
	case v == "":
		return nil
	case !fits(v):
		return refusal(r.name, code)
	}
	e.SetExtension(name, v)
	return nil
}

func (m *Mapping) timeOf(e *hub.Event, d Doc) error {
	if m.time == nil {
		return nil
	}
	v, err := m.time.textOf(d.root)
	if err != nil || v == "" {
		return err
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		return refusal(m.time.name, codeDateTime)
	}
	e.SetTime(t)
	return nil
}

// eventNames is the name space of ids.
var eventNames = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/amtsbote/amtsbote/adapters/mapping"))

// EventID is a UUID of version 5 (RFC 9562) over source, type and what tells
// inputs apart: it survives the loss of the adapter's memory, so that the hub
// knows what comes again.
func EventID(source, typ string, parts ...string) string {
	return uuid.NewSHA1(eventNames, joined(append([]string{source, typ}, parts...))).String()
}

func (m *Mapping) idOf(d Doc, w With) (string, error) {
	var parts []string
	switch {
	case m.id != nil:
		for _, p := range m.id {
			s, code := one(d.root, p)
			if code != "" {
				return "", refusal("id "+p.text, code)
			}
			parts = append(parts, s.text)
		}
	case m.idMeta != "":
		if w.Meta[m.idMeta] == "" {
			return "", refusal("id "+m.idMeta, codeMissing)
		}
		parts = []string{w.Meta[m.idMeta]}
	case m.idContent:
		parts = []string{string(w.Content)}
	default:
		return w.ID, nil
	}
	return EventID(w.Source, m.typ, parts...), nil
}

// token is a name of 26 letters and digits that tells nothing.
func token(key []byte, parts ...string) string {
	sum := digest(key, parts...)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// digest is HMAC-SHA-256 over texts.
func digest(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(joined(parts))
	return h.Sum(nil)
}

// joined puts texts together, each with its length: no two lists give the same.
func joined(parts []string) []byte {
	var out []byte
	for _, p := range parts {
		out = append(binary.BigEndian.AppendUint64(out, uint64(len(p))), p...)
	}
	return out
}
