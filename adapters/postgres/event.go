package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// event makes the event of a row. skip is true for one that is not for the hub. An
// error is a Permanent Fault and holds nothing of the row.
func (r *run) event(o *row) (e hub.Event, skip bool, err error) {
	switch {
	case o.unread != nil:
		return e, false, o.unread
	case o.id == "" || utf8.RuneCountInString(o.id) > maxID:
		return e, false, hub.Permanent("bad-id", "the id is empty or longer than %d characters", maxID)
	case o.size != nil && *o.size > r.set.MaxBytes:
		return e, false, hub.Permanent("too-large", "the document has %d bytes, more than max-bytes (%d)", *o.size, r.set.MaxBytes)
	case r.maps != nil:
		e, err = r.mapped(o)
	default:
		e, skip, err = r.plain(o)
	}
	if err != nil || skip {
		return hub.Event{}, skip, err
	}
	return e, false, validate(e)
}

const maxID = 200

// mapped makes an event of a row as the mappings say; the row is a JSON object, its
// columns the members.
func (r *run) mapped(o *row) (hub.Event, error) {
	doc, err := r.maps[0].Read(o.document)
	if err != nil {
		return hub.Event{}, err
	}
	return r.maps.Event(doc, mapping.With{
		Source: r.set.Source, Key: r.key, IDKey: r.source.key, ID: o.id, Content: o.document, Meta: map[string]string{"id": o.id},
	})
}

// plain makes an event of the columns as Debezium names them.
func (r *run) plain(o *row) (e hub.Event, skip bool, err error) {
	typ, skip, err := r.typeOf(o)
	if skip || err != nil {
		return e, skip, err
	}
	aggregate, err := short("aggregateid", o.aggregateID)
	if err != nil {
		return e, false, err
	}
	of, err := short("aggregatetype", o.aggregateType)
	if err != nil {
		return e, false, err
	}
	e = event.New(event.CloudEventsVersionV1)
	e.SetID(o.id)
	e.SetSource(r.set.Source)
	if r.set.PerType && of != "" {
		e.SetSource(r.set.Source + "/" + url.PathEscape(of))
	}
	e.SetType(typ)
	if aggregate != "" {
		subject := r.subject(of, aggregate)
		e.SetSubject(subject)
		e.SetExtension(hub.AttrPartitionKey, subject)
	}
	if o.XID != 0 {
		e.SetExtension(hub.AttrSequence, fmt.Sprintf("%020d-%020d", o.XID, o.Seq))
	}
	if o.at != nil {
		e.SetTime(*o.at)
	}
	if err := setHeaders(&e, o); err != nil {
		return e, false, err
	}
	return e, false, setData(&e, o.document)
}

func setData(e *hub.Event, document []byte) error {
	if document == nil {
		return nil
	}
	if err := strictJSON(document); err != nil {
		return err
	}
	e.SetDataContentType(event.ApplicationJSON)
	e.DataEncoded = bytes.Trim(document, " \t\r\n")
	return nil
}

// typeOf gives the event's type.
func (r *run) typeOf(o *row) (typ string, skip bool, err error) {
	if r.set.Type != "" {
		return r.set.Type, false, nil
	}
	name, err := short("type", o.typ)
	if err != nil {
		return "", false, err
	}
	if typ, known := r.set.Types[name]; known {
		return typ, false, nil
	}
	if typ := r.set.TypePrefix + name; r.set.Types == nil && typeForm.MatchString(typ) {
		return typ, false, nil
	}
	if r.set.Others == ignore {
		return "", true, nil
	}
	return "", false, hub.Permanent("unknown-type", "the row's type is none of the setting types, and no event type itself")
}

func short(column string, value *string) (string, error) {
	if value == nil {
		return "", nil
	}
	if utf8.RuneCountInString(*value) > maxText {
		return "", hub.Permanent("too-long", "the value in %s is longer than %d characters", column, maxText)
	}
	return *value, nil
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

// subject is what events of one aggregate share. Attributes hold nothing personal,
// and an aggregate's id may be the number of a person.
func (r *run) subject(of, aggregate string) string {
	if r.set.AggregateID == asPlain || r.set.AggregateID == asUUID && uuidForm.MatchString(aggregate) {
		return aggregate
	}
	return "v-" + pseudonym(r.key, "aggregate", of, aggregate)
}

// headers are the attributes that a row may give beside its columns.
var headers = []string{
	"subject", "dataschema", hub.AttrCorrelationID, hub.AttrCausationID, hub.AttrTraceparent, hub.AttrTracestate, hub.AttrDataRef,
	hub.AttrDataClassification, hub.AttrDataRegulation, hub.AttrDataCategory, hub.AttrExpiryTime, hub.AttrAGS,
}

// setHeaders takes attributes from the column of headers, a JSON object; members
// that are none are not for the hub.
func setHeaders(e *hub.Event, o *row) error {
	if o.headerSize > maxHeaders {
		return badHeaders("they are larger than %d bytes", maxHeaders)
	}
	if o.headers == nil {
		return nil
	}
	members, err := readHeaders([]byte(*o.headers))
	if err != nil {
		return err
	}
	for name, value := range members {
		switch name {
		case "subject":
			e.SetSubject(value)
		case "dataschema":
			e.SetDataSchema(value)
		default:
			e.SetExtension(name, value)
		}
	}
	return nil
}

func badHeaders(format string, args ...any) error {
	return hub.Permanent("bad-headers", "read headers: %w", fmt.Errorf(format, args...))
}

// readHeaders gives the texts among the members of a JSON object that are
// attributes; null is as good as absent.
func readHeaders(raw []byte) (map[string]string, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	token, err := d.ReadToken()
	if err != nil || token.Kind() != '{' {
		return nil, badHeaders("they are no JSON object")
	}
	out := map[string]string{}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, badHeaders("they are no strict JSON")
		}
		attribute := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, badHeaders("they are no strict JSON")
		}
		if !slices.Contains(headers, attribute) || value.Kind() == 'n' {
			continue
		}
		text, err := jsontext.AppendUnquote(nil, value)
		if value.Kind() != '"' || err != nil || len(text) == 0 || len(text) > maxText {
			return nil, badHeaders("%s is no text of 1 to %d bytes", attribute, maxText)
		}
		out[attribute] = string(text)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, badHeaders("they are no strict JSON")
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, badHeaders("something follows the JSON object")
	}
	return out, nil
}

// strictJSON holds for one JSON value (RFC 7493: UTF-8, no name twice) with nothing
// behind it.
func strictJSON(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	err := d.SkipValue()
	if err == nil {
		if _, err = d.ReadToken(); errors.Is(err, io.EOF) {
			return nil
		}
		return hub.Permanent("not-json", "something follows the JSON value of the payload")
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return hub.Permanent("not-json", "the payload is no strict JSON, at byte %d", syntax.ByteOffset)
	}
	return hub.Permanent("not-json", "the JSON of the payload ends too early")
}

// validate names the attributes that CloudEvents 1.0 does not allow as they are.
func validate(e hub.Event) error {
	for _, text := range []string{e.ID(), e.Source(), e.Subject(), e.DataSchema()} {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, control) {
			return hub.Permanent("not-an-event", "an attribute holds control characters or is not UTF-8")
		}
	}
	if !e.Time().IsZero() && (e.Time().Year() < 1 || e.Time().Year() > 9999) {
		return hub.Permanent("not-an-event", "the time is none of RFC 3339")
	}
	err := e.Validate()
	if err == nil {
		return nil
	}
	if invalid, ok := errors.AsType[event.ValidationError](err); ok {
		var names []string
		for name := range invalid {
			names = append(names, name)
		}
		slices.Sort(names)
		return hub.Permanent("not-an-event", "missing or malformed: %s", strings.Join(names, ", "))
	}
	return hub.Permanent("not-an-event", "no valid CloudEvent")
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError }
