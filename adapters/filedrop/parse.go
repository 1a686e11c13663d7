package filedrop

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/hub"
)

// parse reads one event in the structured mode of the CloudEvents JSON format
// 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
// The data bytes stay as they stand in the file; an attribute is taken as it
// stands or the file is refused. Every error is a Permanent Fault without any
// value of the file in it.
func parse(content []byte) (hub.Event, error) {
	members, err := readObject(content)
	if err != nil {
		return hub.Event{}, err
	}
	e := event.New(event.CloudEventsVersionV1)
	if err := setAttributes(&e, members); err != nil {
		return hub.Event{}, err
	}
	if err := setData(&e, members); err != nil {
		return hub.Event{}, err
	}
	return e, validate(&e)
}

// readObject reads strict JSON (RFC 7493: UTF-8, no name twice) that is one object
// and nothing behind it, and gives its members raw.
func readObject(content []byte) (map[string]jsontext.Value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(content))
	if d.PeekKind() != '{' {
		if _, err := d.ReadValue(); err != nil {
			return nil, notJSON(err)
		}
		return nil, hub.Permanent("not-an-event", "the file is no JSON object")
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(err)
	}
	members := map[string]jsontext.Value{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, notJSON(err)
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, notJSON(err)
		}
		members[key] = value.Clone()
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, hub.Permanent("not-json", "something follows the JSON object at byte %d", d.InputOffset())
	}
	return members, nil
}

// notJSON says where the syntax breaks, but not the text there.
func notJSON(err error) error {
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return hub.Permanent("not-json", "a name stands twice in one JSON object, at byte %d", syntax.ByteOffset)
	case ok:
		return hub.Permanent("not-json", "no strict JSON at byte %d", syntax.ByteOffset)
	default:
		return hub.Permanent("not-json", "the JSON ends too early")
	}
}

// setAttributes takes all members but data and data_base64; null is as good as
// absent (JSON format, section 2.2).
func setAttributes(e *hub.Event, members map[string]jsontext.Value) error {
	if v := members["specversion"]; v == nil || v.Kind() != '"' || text(v) != event.CloudEventsVersionV1 {
		return notAnEvent(`specversion must be "1.0"`)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value := members[name]
		if name == "specversion" || name == "data" || name == "data_base64" || value.Kind() == 'n' {
			continue
		}
		if !attributeName(name) {
			return notAnEvent("an attribute name is not [a-z0-9]")
		}
		if err := setAttribute(e, name, value); err != nil {
			return err
		}
	}
	return nil
}

func attributeName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func setAttribute(e *hub.Event, name string, value jsontext.Value) error {
	if name == "time" {
		return setTime(e, value)
	}
	core, isCore := coreAttributes[name]
	if !isCore {
		return setExtension(e, name, value)
	}
	if value.Kind() != '"' {
		return notAnEvent("attribute %s must be a string", name)
	}
	given := text(value)
	core.set(e, given)
	if core.get(e) != given {
		return notAnEvent("attribute %s is malformed or not in its normal form", name)
	}
	return nil
}

// setTime takes any RFC 3339 form; the SDK carries the instant, not the text.
func setTime(e *hub.Event, value jsontext.Value) error {
	t, err := types.ParseTime(text(value))
	if value.Kind() != '"' || err != nil || t.IsZero() {
		return notAnEvent("attribute time is no RFC 3339 timestamp")
	}
	e.SetTime(t)
	return nil
}

// coreAttributes are those of the CloudEvents core; what get gives must be what
// was set, since the SDK trims and normalises.
var coreAttributes = map[string]struct {
	set func(*hub.Event, string)
	get func(*hub.Event) string
}{
	"id":              {(*hub.Event).SetID, func(e *hub.Event) string { return e.ID() }},
	"source":          {(*hub.Event).SetSource, func(e *hub.Event) string { return e.Source() }},
	"type":            {(*hub.Event).SetType, func(e *hub.Event) string { return e.Type() }},
	"subject":         {(*hub.Event).SetSubject, func(e *hub.Event) string { return e.Subject() }},
	"dataschema":      {(*hub.Event).SetDataSchema, func(e *hub.Event) string { return e.DataSchema() }},
	"datacontenttype": {(*hub.Event).SetDataContentType, func(e *hub.Event) string { return e.DataContentType() }},
}

// setExtension takes the JSON types that the type system of CloudEvents has:
// strings, booleans and integers of 32 bits.
func setExtension(e *hub.Event, name string, value jsontext.Value) error {
	var v any
	switch value.Kind() {
	case '"':
		v = text(value)
	case 't', 'f':
		v = value.Kind() == 't'
	case '0':
		n, err := strconv.ParseInt(string(value), 10, 32)
		if err != nil {
			return notAnEvent("attribute %s is no integer of 32 bits", name)
		}
		v = int32(n)
	default:
		return notAnEvent("attribute %s must be a string, a boolean or an integer", name)
	}
	e.SetExtension(name, v)
	return nil
}

func setData(e *hub.Event, members map[string]jsontext.Value) error {
	data, encoded := members["data"], members["data_base64"]
	switch {
	case data != nil && encoded != nil:
		return notAnEvent("data and data_base64 are both there")
	case encoded != nil:
		return setBinary(e, encoded)
	case data == nil:
		return nil
	case isJSON(e.DataMediaType()):
		e.DataEncoded = data
	case data.Kind() == '"':
		e.DataEncoded = []byte(text(data))
	default:
		return notAnEvent("data must be a string, since datacontenttype is not JSON")
	}
	return nil
}

func setBinary(e *hub.Event, encoded jsontext.Value) error {
	if encoded.Kind() != '"' {
		return notAnEvent("data_base64 must be a string")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text(encoded))
	if err != nil {
		return notAnEvent("data_base64 is not base64")
	}
	e.DataEncoded, e.DataBase64 = b, true
	return nil
}

// isJSON follows section 3.1 of the JSON format: no media type means JSON, and
// so does +json, which the SDK does not know.
func isJSON(mediaType string) bool {
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	return mediaType == "" || mediaType == event.ApplicationJSON || mediaType == event.TextJSON ||
		strings.HasSuffix(mediaType, "+json")
}

// validate names the attributes that CloudEvents 1.0 does not allow as they are.
func validate(e *hub.Event) error {
	err := e.Validate()
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[event.ValidationError](err)
	if !ok {
		return notAnEvent("no valid CloudEvent")
	}
	return notAnEvent("missing or malformed: %s", strings.Join(slices.Sorted(maps.Keys(invalid)), ", "))
}

func notAnEvent(format string, args ...any) error {
	return hub.Permanent("not-an-event", "%w", fmt.Errorf(format, args...))
}

// text unquotes a JSON string that the decoder has checked.
func text(value jsontext.Value) string {
	b, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return ""
	}
	return string(b)
}
