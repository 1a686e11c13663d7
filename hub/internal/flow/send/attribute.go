package send

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/schemas"
)

// allowed gives the attributes of e that pass, and tells whether all do.
func allowed(e *event.Event, schema *schemas.Schema) (pass event.Attributes, all bool) {
	stays := func(a event.Attribute) bool {
		return !schemas.CommonAttribute(a.Name) && !slices.Contains(schema.Attributes, a.Name)
	}
	if !slices.ContainsFunc(e.Attributes, stays) {
		return e.Attributes, true
	}
	return slices.DeleteFunc(slices.Clone(e.Attributes), stays), false
}

// original sets the headers of an event as it came: those of its own content mode, nothing
// else that the sender set.
func original(h map[string][]string, e *event.Event) {
	if e.Structured {
		h["Content-Type"] = []string{"application/cloudevents+json"}
		return
	}
	e.Attributes.Binary(h)
	if ct := e.ContentType(); ct != "" {
		h["Content-Type"] = []string{ct}
	}
}

// rewritten sets the headers of a copy whose attributes or data are cut; it
// goes in binary mode.
func rewritten(h map[string][]string, e *event.Event, pass event.Attributes, dataSchema string) {
	pass.Binary(h)
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
