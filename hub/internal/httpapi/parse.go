package httpapi

import (
	"mime"
	"net/http"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// mode is a content mode of the HTTP binding (3.1 to 3.3).
type mode int

const (
	structured mode = iota
	binary
	batched
)

const (
	typeEvent = "application/cloudevents+json"
	typeBatch = "application/cloudevents-batch+json"
)

// modeOf tells the content mode by the headers alone. Unlike over NATS the content
// type must say that a body is an event: application/json may be anything.
func modeOf(h http.Header) (mode, *refusal.Refusal) {
	unknown := refusal.At(refusal.MediaType, "content-type")
	if len(h["Content-Encoding"]) > 0 {
		return 0, refusal.At(refusal.MediaType, "content-encoding")
	}
	types := h["Content-Type"]
	if len(types) > 1 {
		return 0, refusal.At(refusal.DuplicateHeader, "content-type")
	}
	said := ""
	if len(types) == 1 {
		said = types[0]
	}
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(said)), "application/cloudevents") {
		if hasAttributes(h) {
			return binary, nil
		}
		return 0, unknown
	}
	t, params, err := mime.ParseMediaType(said)
	switch {
	case err != nil || !accept.UTF8Named(params):
		return 0, unknown
	case t == typeEvent:
		return structured, nil
	case t == typeBatch:
		return batched, nil
	}
	return 0, unknown
}

func hasAttributes(h http.Header) bool {
	for name := range h {
		if isAttribute(name) {
			return true
		}
	}
	return false
}

// isAttribute: net/http gives names in their canonical form, or as they came when
// they are odd.
func isAttribute(name string) bool {
	return len(name) > 3 && strings.EqualFold(name[:3], "ce-")
}

// messages turns a request's body into what the gate reads: of all headers only those
// of the event go along, since some mean something to NATS.
func messages(m mode, h http.Header, body []byte) ([]*event.Message, *refusal.Refusal) {
	switch m {
	case binary:
		header := attributes(h)
		if types := h["Content-Type"]; len(types) == 1 {
			header["Content-Type"] = types
		}
		return []*event.Message{{Header: header, Data: body}}, nil
	case structured:
		header := attributes(h)
		header["Content-Type"] = []string{typeEvent}
		return []*event.Message{{Header: header, Data: body}}, nil
	}
	parts, r := accept.Split(body)
	if r != nil {
		return nil, r
	}
	out := make([]*event.Message, len(parts))
	for i, part := range parts {
		out[i] = &event.Message{Header: map[string][]string{"Content-Type": {typeEvent}}, Data: part}
	}
	return out, nil
}

// attributes are the headers of the event's attributes, encoded as the NATS binding
// wants them.
func attributes(h http.Header) map[string][]string {
	out := make(map[string][]string, len(h))
	for name, values := range h {
		if !isAttribute(name) {
			continue
		}
		encoded := make([]string, len(values))
		for i, v := range values {
			encoded[i] = headerValue(v)
		}
		out["ce-"+name[3:]] = encoded
		if lower := "ce-" + strings.ToLower(name[3:]); lower != "ce-"+name[3:] {
			out[lower] = append(out[lower], encoded...)
			delete(out, "ce-"+name[3:])
		}
	}
	return out
}

// headerValue undoes the double quotes that the HTTP binding allows (3.1.3.2; RFC 9110,
// 5.6.4), and encodes what may not stand in a header by the NATS binding. What is
// percent-encoded stays: the gate decodes it, once. A quoted string without its end
// becomes an encoding that the gate refuses.
func headerValue(v string) string {
	if strings.HasPrefix(v, `"`) {
		inner, ok := unquote(v)
		if !ok {
			return "%"
		}
		v = inner
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if c := v[i]; c <= 0x20 || c >= 0x7f || c == '"' {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unquote(v string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(v); i++ {
		switch v[i] {
		case '"':
			return b.String(), i == len(v)-1
		case '\\':
			if i++; i == len(v) {
				return "", false
			}
		}
		b.WriteByte(v[i])
	}
	return "", false
}
