package accept

import (
	"maps"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

const prefix = "ce-"

// header is what of a message's headers matters: the CloudEvents attributes,
// still percent-encoded, and the content type. All others are dropped here: a
// sender's Nats-* headers never reach the hub's own publishing.
type header struct {
	contentType string
	typed       bool             // there is a content type, be it empty
	attributes  event.Attributes // without "ce-", by name: of several faults the same one is told each time
}

// headers collects, comparing names without regard to case (NATS keeps case,
// HTTP-minded clients write Ce-Id); one attribute twice is refused. size is how many bytes
// of headers the sender sent.
func headers(m *event.Message) (h *header, size int, r *refusal.Refusal) {
	if h, size = usual(m); h != nil {
		return h, size, nil
	}
	return whatever(m)
}

// whatever is headers for any headers.
func whatever(m *event.Message) (h *header, size int, r *refusal.Refusal) {
	h, faulty := newHeader(m), false
	for name, values := range m.Header {
		if !strings.HasPrefix(name, event.HubHeaders) { // a copy or a released event carries more than its sender sent
			for _, v := range values {
				size += len(name) + len(v) + len(": \r\n")
			}
		}
		faulty = faulty || h.add(lower(name), values) != nil
	}
	slices.SortFunc(h.attributes, byName)
	if faulty || h.twice() {
		return nil, size, firstFault(m)
	}
	return h, size, nil
}

// usualHeaders is how many nearly all events have at most.
const usualHeaders = 16

// usual is headers for nearly all events: few headers, each once, and attributes in lower case.
// It gives nil for others.
func usual(m *event.Message) (h *header, size int) {
	if len(m.Header) > usualHeaders {
		return nil, 0
	}
	h = &header{}
	var room [usualHeaders]event.Attribute
	found, of := room[:0], 0
	for name, values := range m.Header {
		if len(values) != 1 || name == "" {
			return nil, 0
		}
		bytes := len(name) + len(values[0]) + len(": \r\n")
		switch attr, isAttribute := strings.CutPrefix(name, prefix); {
		case isAttribute && validName(attr):
			found = append(found, event.Attribute{Name: attr, Value: values[0]})
		case (name == "Content-Type" || name == "content-type") && !h.typed:
			h.contentType, h.typed = values[0], true
		case name[0]|0x20 == 'c': // it may be one of these, written otherwise
			return nil, 0
		case strings.HasPrefix(name, event.HubHeaders):
			of += bytes
			continue
		}
		size += bytes
	}
	m.Weighed(size+of, len(m.Header))
	slices.SortFunc(found, byName)
	h.attributes = append(make(event.Attributes, 0, len(found)+1), found...) // and the content type
	return h, size
}

func byName(a, b event.Attribute) int { return strings.Compare(a.Name, b.Name) }

func newHeader(m *event.Message) *header {
	return &header{attributes: make(event.Attributes, 0, len(m.Header)+1)} // and the content type
}

// firstFault is the same one of several each time.
func firstFault(m *event.Message) *refusal.Refusal {
	h, seen := newHeader(m), make(map[string]bool, len(m.Header))
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		values, name := m.Header[name], lower(name)
		if r := h.add(name, values); r != nil {
			return r
		}
		if attr, isAttribute := strings.CutPrefix(name, prefix); isAttribute && seen[name] {
			return refusal.At(refusal.DuplicateHeader, attr)
		}
		seen[name] = true
	}
	return nil
}

// add does not look whether an attribute is there already: a hostile sender has a hundred
// thousand, and not each is to be compared with all.
func (h *header) add(name string, values []string) *refusal.Refusal {
	attr, isAttribute := strings.CutPrefix(name, prefix)
	switch {
	case !isAttribute && name != "content-type":
		return nil
	case len(values) != 1:
		return refusal.At(refusal.DuplicateHeader, "")
	case !isAttribute && h.typed:
		return refusal.At(refusal.DuplicateHeader, name)
	case !isAttribute:
		h.contentType, h.typed = values[0], true
		return nil
	case !validName(attr): // the name itself is the sender's text: it is not repeated
		return refusal.At(refusal.CEAttrName, "")
	}
	h.attributes = append(h.attributes, event.Attribute{Name: attr, Value: values[0]})
	return nil
}

// twice tells whether one of the attributes, which are sorted, is there twice.
func (h *header) twice() bool {
	for i := 1; i < len(h.attributes); i++ {
		if h.attributes[i].Name == h.attributes[i-1].Name {
			return true
		}
	}
	return false
}

// lower leaves all but A to Z alone: strings.ToLower would make a Kelvin sign a k.
func lower(name string) string {
	switch {
	case name == "Content-Type": // nearly always so
		return "content-type"
	case lowered(name):
		return name
	}
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// lowered tells whether a name is of ASCII without A to Z.
func lowered(name string) bool {
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// structured tells the content mode (NATS binding 3): structured when the
// content type says so, and when there is no CloudEvents header at all, since
// NATS clients without headers can only send structured events. A batch, another
// format than JSON and another character set than UTF-8 are refused.
func (h *header) structured() (bool, *refusal.Refusal) {
	said := strings.TrimSpace(h.contentType)
	if !strings.HasPrefix(lower(said), "application/cloudevents") {
		if len(h.attributes) > 0 {
			return false, nil
		}
		if said != "" && !isJSON(said) {
			return false, refusal.At(refusal.ModeMismatch, "")
		}
		return true, nil
	}
	t, params, err := mime.ParseMediaType(said)
	if err != nil || t != "application/cloudevents" && t != "application/cloudevents+json" || !UTF8Named(params) {
		return false, refusal.At(refusal.ModeMismatch, "")
	}
	return true, nil
}

// UTF8Named tells whether the parameters of a media type leave it at UTF-8, the
// only encoding of JSON between systems (RFC 8259, 8.1). Who reads by another
// name reads another text.
func UTF8Named(params map[string]string) bool {
	switch lower(params["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	}
	return false
}

// repeats refuses headers that say other than a structured event does: they may
// be there (HTTP binding 3.2.2), but then the same.
func (h *header) repeats(e *event.Event) *refusal.Refusal {
	for _, a := range h.attributes {
		value, ok := event.PercentDecode(a.Value)
		if said, set := e.Attributes.Get(a.Name); !ok || !set || said != value {
			return refusal.At(refusal.ModeAmbiguous, a.Name)
		}
	}
	return nil
}
