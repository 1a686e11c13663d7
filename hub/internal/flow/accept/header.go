package accept

import (
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

const prefix = "ce-"

// header is what of a message's headers matters: the CloudEvents attributes,
// still percent-encoded, and the content type. All others are dropped here: a
// sender's Nats-* headers never reach the hub's own publishing.
type header struct {
	contentType string
	attributes  map[string]string // name without "ce-"
	order       []string
}

// headers collects, comparing names without regard to case (NATS keeps case,
// HTTP-minded clients write Ce-Id); one attribute twice is refused.
func headers(m *event.Message) (*header, *refusal.Refusal) {
	h := &header{attributes: map[string]string{}}
	for name, values := range m.Header {
		low := strings.ToLower(name)
		isAttribute := strings.HasPrefix(low, prefix)
		if !isAttribute && low != "content-type" {
			continue
		}
		if len(values) != 1 {
			return nil, refusal.At(refusal.DuplicateKey, "")
		}
		if !isAttribute {
			if h.contentType != "" {
				return nil, refusal.At(refusal.DuplicateKey, low)
			}
			h.contentType = values[0]
			continue
		}
		attr := low[len(prefix):]
		if !validName(attr) { // the name itself is the sender's text: it is not repeated
			return nil, refusal.At(refusal.CEAttrName, "")
		}
		if _, twice := h.attributes[attr]; twice {
			return nil, refusal.At(refusal.DuplicateKey, attr)
		}
		h.attributes[attr] = values[0]
		h.order = append(h.order, attr)
	}
	return h, nil
}

// structured tells the content mode (NATS binding 3): structured when the
// content type says so, and when there is no CloudEvents header at all, since
// NATS clients without headers can only send structured events.
func (h *header) structured() bool {
	if strings.HasPrefix(strings.ToLower(h.contentType), "application/cloudevents") {
		return true
	}
	return len(h.attributes) == 0
}

// batch tells whether the content type names a batch.
func (h *header) batch() bool {
	return strings.HasPrefix(strings.ToLower(h.contentType), "application/cloudevents-batch")
}
