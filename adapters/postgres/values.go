package postgres

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/amtsbote/amtsbote/hub"
)

// values gives what goes into the columns, in their order. An error is a Permanent
// Fault without any value in it.
func (set inboxSettings) values(d hub.Delivery) ([]any, error) {
	if d.Event.Context == nil {
		return nil, hub.Permanent("unmappable", "the event is empty")
	}
	if err := d.Event.Validate(); err != nil {
		return nil, hub.Permanent("unmappable", "no valid CloudEvent")
	}
	v := &valuer{d: d}
	out := make([]any, 0, len(set.order))
	for _, name := range set.order {
		value, err := v.of(set.Columns[name])
		if err != nil {
			return nil, hub.Permanent("unmappable", "column %s: %w", name, err)
		}
		out = append(out, value)
	}
	return out, nil
}

// valuer gives what a column may get. Texts go to columns of any type, which the
// server reads them as.
type valuer struct {
	d      hub.Delivery
	parsed bool
	root   any
}

func (v *valuer) of(what string) (any, error) {
	switch {
	case what == ofDelivery:
		return v.d.ID, nil
	case what == ofAgreement:
		return text(v.d.Agreement), nil
	case what == ofData:
		return v.data()
	case what == ofEvent:
		raw, err := v.d.Event.MarshalJSON()
		if err != nil {
			return nil, errors.New("the event cannot be written as JSON")
		}
		return raw, nil
	case strings.HasPrefix(what, "/"):
		return v.at(what)
	}
	return attribute(v.d.Event, what)
}

// data is what the event carries; a JSON value must be one, since the column may
// be of another type and would not tell.
func (v *valuer) data() (any, error) {
	raw := v.d.Event.Data()
	if len(raw) == 0 {
		return nil, nil
	}
	if isJSON(v.d.Event) && !json.Valid(raw) {
		return nil, errors.New("the data is not the JSON that datacontenttype promises")
	}
	return raw, nil
}

func isJSON(e hub.Event) bool {
	kind := strings.ToLower(e.DataMediaType())
	return kind == "" || kind == event.ApplicationJSON || kind == event.TextJSON || strings.HasSuffix(kind, "+json")
}

// text gives nil, which becomes NULL, for a text that is not there.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func attribute(e hub.Event, name string) (any, error) {
	switch name {
	case "id":
		return text(e.ID()), nil
	case "source":
		return text(e.Source()), nil
	case "type":
		return text(e.Type()), nil
	case "subject":
		return text(e.Subject()), nil
	case "dataschema":
		return text(e.DataSchema()), nil
	case "datacontenttype":
		return text(e.DataContentType()), nil
	case "specversion":
		return text(e.SpecVersion()), nil
	case "time":
		if e.Time().IsZero() {
			return nil, nil
		}
		return e.Time().UTC().Format(time.RFC3339Nano), nil
	}
	value, there := e.Extensions()[name]
	if !there {
		return nil, nil
	}
	s, err := types.Format(value)
	if err != nil {
		return nil, errors.New("the attribute has no CloudEvents type")
	}
	return text(s), nil
}

// at gives what stands at a JSON Pointer in the data; NULL where nothing stands.
func (v *valuer) at(path string) (any, error) {
	if !v.parsed {
		v.parsed = true
		if err := v.parse(); err != nil {
			return nil, err
		}
	}
	found := v.root
	for _, step := range strings.Split(path[1:], "/") {
		found = child(found, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	switch f := found.(type) {
	case nil:
		return nil, nil
	case string:
		return f, nil
	case json.Number:
		return f.String(), nil
	case bool:
		return strconv.FormatBool(f), nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(found); err != nil {
		return nil, errors.New("a part of the data cannot be written as JSON")
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

func (v *valuer) parse() error {
	raw := v.d.Event.Data()
	if len(raw) == 0 {
		return nil
	}
	if !isJSON(v.d.Event) {
		return errors.New("the data is no JSON, so that nothing stands at a JSON Pointer")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v.root); err != nil {
		return errors.New("the data is not the JSON that datacontenttype promises")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON of the data")
	}
	return nil
}

func child(of any, step string) any {
	switch o := of.(type) {
	case map[string]any:
		return o[step]
	case []any:
		i, err := strconv.Atoi(step)
		if err == nil && i >= 0 && i < len(o) && fmt.Sprint(i) == step {
			return o[i]
		}
	}
	return nil
}
