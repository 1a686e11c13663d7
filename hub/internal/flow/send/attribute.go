package send

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/schemas"
)

// allowed lists the attributes of e that pass, and tells whether all do.
func allowed(e *event.Event, schema *schemas.Schema) (names []string, all bool) {
	for _, name := range e.Order {
		if schemas.CommonAttribute(name) || slices.Contains(schema.Attributes, name) {
			names = append(names, name)
		}
	}
	return names, len(names) == len(e.Order)
}

// original gives the headers of an untouched copy: those of the event's own
// content mode, nothing else that the sender set.
func original(e *event.Event) map[string][]string {
	if e.Structured {
		return map[string][]string{"Content-Type": {"application/cloudevents+json"}}
	}
	h := e.Binary(e.Order)
	if ct := e.ContentType(); ct != "" {
		h["Content-Type"] = []string{ct}
	}
	return h
}

// rewritten gives the headers of a copy whose attributes or data are cut; it
// goes in binary mode.
func rewritten(e *event.Event, pass []string, dataSchema string) map[string][]string {
	h := e.Binary(pass)
	ct := e.ContentType()
	if ct == "" {
		ct = "application/json"
	}
	h["ce-"+event.AttrDataContentType] = []string{event.PercentEncode(ct)}
	h["Content-Type"] = []string{ct}
	if dataSchema != "" {
		h["ce-"+event.AttrDataSchema] = []string{event.PercentEncode(dataSchema)}
	}
	return h
}
