package filedrop

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/hub"
)

// format writes e in the structured mode of the CloudEvents JSON format 1.0.
// JSON data stands in it byte for byte; only white space around it is not kept.
// The same event gives the same bytes. An error is a Permanent Fault.
func format(e hub.Event) ([]byte, error) {
	if e.Context == nil {
		return nil, unmappable("the event is empty")
	}
	if err := validate(&e); err != nil {
		return nil, unmappable("%w", err)
	}
	w := &object{}
	w.add("specversion", event.CloudEventsVersionV1)
	w.add("id", e.ID())
	w.add("source", e.Source())
	w.add("type", e.Type())
	w.addUnlessEmpty("subject", e.Subject())
	w.addUnlessEmpty("datacontenttype", e.DataContentType())
	w.addUnlessEmpty("dataschema", e.DataSchema())
	if !e.Time().IsZero() {
		w.add("time", types.FormatTime(e.Time()))
	}
	extensions := e.Extensions()
	for _, name := range slices.Sorted(maps.Keys(extensions)) {
		w.addExtension(name, extensions[name])
	}
	w.addData(e)
	return w.close()
}

func unmappable(format string, args ...any) error {
	return hub.Permanent("unmappable", "write event as JSON: %w", fmt.Errorf(format, args...))
}

// object builds a JSON object; the first error stays.
type object struct {
	text []byte
	err  error
}

func (o *object) addRaw(name string, value []byte) {
	if len(o.text) == 0 {
		o.text = append(o.text, '{')
	} else {
		o.text = append(o.text, ',')
	}
	o.quote(name)
	o.text = append(append(o.text, ':'), value...)
}

func (o *object) quote(s string) {
	text, err := jsontext.AppendQuote(o.text, s)
	if err != nil && o.err == nil {
		o.err = unmappable("a text is not UTF-8")
	}
	o.text = text
}

func (o *object) add(name, value string) {
	o.addRaw(name, nil)
	o.quote(value)
}

func (o *object) addUnlessEmpty(name, value string) {
	if value != "" {
		o.add(name, value)
	}
}

// addExtension writes the JSON type that each CloudEvents type has (JSON format,
// section 2.2).
func (o *object) addExtension(name string, value any) {
	text, err := types.Format(value)
	if err != nil && o.err == nil {
		o.err = unmappable("attribute %s has no CloudEvents type", name)
	}
	switch value.(type) {
	case bool, int32:
		o.addRaw(name, []byte(text))
	default:
		o.add(name, text)
	}
}

func (o *object) addData(e hub.Event) {
	data := e.DataEncoded
	switch {
	case data == nil:
	case isJSON(e.DataMediaType()):
		o.addJSON(data, e.DataBase64)
	case e.DataBase64 || !utf8.Valid(data):
		o.addBase64(data)
	default:
		o.add("data", string(data))
	}
}

// addJSON prefers JSON over base64 also where the event came in base64, unless
// that would change a byte.
func (o *object) addJSON(data jsontext.Value, inBase64 bool) {
	if inBase64 && (!data.IsValid() || len(bytes.Trim(data, " \t\r\n")) < len(data)) {
		o.addBase64(data)
		return
	}
	if !data.IsValid() && o.err == nil {
		o.err = unmappable("the data is not the JSON that datacontenttype promises")
	}
	o.addRaw("data", data)
}

func (o *object) addBase64(data []byte) {
	o.add("data_base64", base64.StdEncoding.EncodeToString(data))
}

func (o *object) close() ([]byte, error) {
	if o.err != nil {
		return nil, o.err
	}
	return append(o.text, '}', '\n'), nil
}
