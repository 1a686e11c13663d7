package phoenix

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"

	"github.com/amtsbote/amtsbote/hub"
)

// opaque is the form of a reference that tells nobody anything: UUID, ULID, or a
// random number in hexadecimal.
var opaque = regexp.MustCompile(`^([0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{32,64})$`)

var typeForm = regexp.MustCompile(`^[a-z0-9.-]{1,150}$`)

// admit gives what is told of a delivery. It does not look at the event's data.
func admit(d hub.Delivery, production bool) (note, error) {
	if err := admissible(d, production); err != nil {
		return note{}, err
	}
	n := note{Name: nameOf(d), Type: d.Event.Type(), Referenz: d.ID}
	for _, candidate := range []string{attribute(d.Event, hub.AttrCorrelationID), d.Event.ID()} {
		if opaque.MatchString(candidate) {
			n.Referenz = candidate
			break
		}
	}
	return n, nil
}

func admissible(d hub.Delivery, production bool) error {
	switch {
	case d.Event.Context == nil:
		return hub.Permanent("unmappable", "the delivery has no event")
	case !typeForm.MatchString(d.Event.Type()) || d.Event.ID() == "" || d.Event.Source() == "":
		return hub.Permanent("unmappable", "the event has no type, id or source")
	case production && attribute(d.Event, "xoevtest") != "":
		return hub.Permanent("test-in-production", "an event with the mark of a test (attribute xoevtest) in production")
	}
	return nil
}

func attribute(e hub.Event, name string) string {
	if value, there := e.Extensions()[name]; there {
		return fmt.Sprint(value)
	}
	return ""
}

// nameOf names a delivery. It is made of the event, too: numbers of deliveries begin
// anew when a hub does.
func nameOf(d hub.Delivery) string {
	return digest(d.ID, d.Event.Source(), d.Event.ID())
}

// digest of several texts, 32 hexadecimal digits.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s|", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
