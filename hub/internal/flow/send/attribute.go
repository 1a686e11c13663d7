package send

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/schemas"
)

// allowed lists the attributes of e that pass, and tells whether all do.
func allowed(e *event.Event, schema *schemas.Schema) (names []string, all bool) {
	passes := func(name string) bool {
		return schemas.CommonAttribute(name) || slices.Contains(schema.Attributes, name)
	}
	if i := slices.IndexFunc(e.Order, func(name string) bool { return !passes(name) }); i >= 0 {
		names = append(names, e.Order[:i]...)
		for _, name := range e.Order[i:] {
			if passes(name) {
				names = append(names, name)
			}
		}
		return names, false
	}
	return e.Order, true
}

// original sets the headers of an event as it came: those of its own content mode, nothing
// else that the sender set.
func original(h map[string][]string, e *event.Event) {
	if e.Structured {
		h["Content-Type"] = []string{"application/cloudevents+json"}
		return
	}
	e.Binary(h, e.Order)
	if ct := e.ContentType(); ct != "" {
		h["Content-Type"] = []string{ct}
	}
}

// rewritten sets the headers of a copy whose attributes or data are cut; it
// goes in binary mode.
func rewritten(h map[string][]string, e *event.Event, pass []string, dataSchema string) {
	e.Binary(h, pass)
	ct := e.ContentType()
	if ct == "" {
		ct = "application/json"
	}
	h["ce-"+event.AttrDataContentType] = []string{event.PercentEncode(ct)}
	h["Content-Type"] = []string{ct}
	if dataSchema != "" {
		h["ce-"+event.AttrDataSchema] = []string{event.PercentEncode(dataSchema)}
	}
}
