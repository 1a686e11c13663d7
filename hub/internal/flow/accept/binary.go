package accept

import (
	"sort"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// readBinary reads binary mode: one header an attribute (NATS binding 3.1).
func readBinary(e *event.Event, h *header) *refusal.Refusal {
	sort.Strings(h.order)
	if len(h.order) > MaxAttributes {
		return refusal.At(refusal.CELimit, "")
	}
	for _, name := range h.order {
		value, ok := event.PercentDecode(h.attributes[name])
		if !ok {
			return refusal.At(refusal.CEPercent, name)
		}
		if !utf8.ValidString(value) {
			return refusal.At(refusal.UTF8Invalid, name)
		}
		set(e, name, value)
	}
	if e.ContentType() == "" && h.contentType != "" {
		set(e, event.AttrDataContentType, h.contentType)
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
