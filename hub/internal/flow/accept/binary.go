package accept

import (
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// readBinary reads binary mode: one header an attribute (NATS binding 3.1).
func readBinary(e *event.Event, h *header) *refusal.Refusal {
	if len(h.attributes) > MaxAttributes {
		return refusal.At(refusal.CELimit, "")
	}
	e.Attributes = h.attributes
	for i, a := range e.Attributes {
		value, ok := event.PercentDecode(a.Value)
		if !ok {
			return refusal.At(refusal.CEHeader, a.Name)
		}
		if !utf8.ValidString(value) {
			return refusal.At(refusal.UTF8Invalid, a.Name)
		}
		e.Attributes[i].Value = value
	}
	// content-type is datacontenttype (3.1.1); who says both says the same
	said, twice := e.Attributes.Get(event.AttrDataContentType)
	switch {
	case h.contentType == "":
	case !twice:
		set(e, event.AttrDataContentType, h.contentType)
	case said != h.contentType:
		return refusal.At(refusal.MediaTypeMismatch, event.AttrDataContentType)
	}
	if len(e.Message.Data) > 0 {
		e.Data = e.Message.Data
	}
	return nil
}

// set adds an attribute that is not there yet.
func set(e *event.Event, name, value string) {
	e.Attributes = append(e.Attributes, event.Attribute{Name: name, Value: value})
}
