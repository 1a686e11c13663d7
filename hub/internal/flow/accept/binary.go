package accept

import (
	"sort"
	"strings"
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
		value, ok := percentDecode(h.attributes[name])
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

// percentDecode decodes a header value (NATS binding 3.1.3.2: as in the HTTP
// binding, each %xx is one byte of UTF-8). A "%" without two hexadecimal
// digits is refused rather than taken literally.
func percentDecode(s string) (string, bool) {
	if !strings.Contains(s, "%") {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, ok1 := nibble(s[i+1])
		lo, ok2 := nibble(s[i+2])
		if !ok1 || !ok2 {
			return "", false
		}
		out = append(out, hi<<4|lo)
		i += 2
	}
	return string(out), true
}

func nibble(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
