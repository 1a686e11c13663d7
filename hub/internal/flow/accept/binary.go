package accept

import (
	"slices"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// readBinary reads binary mode: one header an attribute (NATS binding 3.1).
func readBinary(e *event.Event, h *header) *refusal.Refusal {
	slices.Sort(h.order)
	if len(h.order) > MaxAttributes {
		return refusal.At(refusal.CELimit, "")
	}
	// content-type is datacontenttype (3.1.1); who says both says the same
	_, twice := h.attributes[event.AttrDataContentType]
	e.Attributes, e.Order = h.attributes, h.order
	for _, name := range h.order {
		raw := h.attributes[name]
		value, ok := event.PercentDecode(raw)
		if !ok {
			return refusal.At(refusal.CEHeader, name)
		}
		if !utf8.ValidString(value) {
			return refusal.At(refusal.UTF8Invalid, name)
		}
		if value != raw {
			e.Attributes[name] = value
		}
	}
	switch {
	case h.contentType == "":
	case !twice:
		set(e, event.AttrDataContentType, h.contentType)
	case e.ContentType() != h.contentType:
		return refusal.At(refusal.MediaTypeMismatch, event.AttrDataContentType)
	}
	if len(e.Message.Data) > 0 {
		e.Data = e.Message.Data
	}
	return nil
}

func set(e *event.Event, name, value string) {
	e.Attributes[name] = value
	e.Order = append(e.Order, name)
}
