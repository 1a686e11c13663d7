package accept

import (
	"mime"
	"net/url"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// checkAttributes holds the attributes to CloudEvents 1.0.2 section 3.
func checkAttributes(e *event.Event) *refusal.Refusal {
	for _, name := range []string{event.AttrSpecVersion, event.AttrID, event.AttrSource, event.AttrType} {
		if e.Attributes[name] == "" {
			return refusal.At(refusal.CERequired, name)
		}
	}
	if e.Attributes[event.AttrSpecVersion] != "1.0" {
		return refusal.At(refusal.CESpecVersion, event.AttrSpecVersion)
	}
	for _, name := range e.Order {
		if r := checkText(name, e.Attributes[name]); r != nil {
			return r
		}
	}
	if r := checkURIs(e); r != nil {
		return r
	}
	return checkTime(e)
}

func checkText(name, value string) *refusal.Refusal {
	limit := MaxValue
	if name == event.AttrID {
		limit = MaxID
	}
	if len(value) > limit {
		return refusal.At(refusal.CELimit, name)
	}
	for _, r := range value {
		switch {
		case r < 0x20 || (r >= 0x7f && r <= 0x9f):
			return refusal.At(refusal.CEControlChar, name)
		case r&0xfffe == 0xfffe || (r >= 0xfdd0 && r <= 0xfdef):
			return refusal.At(refusal.CENonchar, name)
		}
	}
	return nil
}

// checkURIs: source is a URI-reference, dataschema an absolute URI (3.1).
func checkURIs(e *event.Event) *refusal.Refusal {
	if !validURI(e.Source(), false) {
		return refusal.At(refusal.CEURI, event.AttrSource)
	}
	if s := e.DataSchema(); s != "" && !validURI(s, true) {
		return refusal.At(refusal.CEURI, event.AttrDataSchema)
	}
	if ct := e.ContentType(); ct != "" {
		t, _, err := mime.ParseMediaType(ct)
		// an event as the data of an event would be taken for the outer one
		if err != nil || !strings.Contains(t, "/") || strings.HasPrefix(t, "application/cloudevents") {
			return refusal.At(refusal.CEMediaType, event.AttrDataContentType)
		}
	}
	return nil
}

func validURI(s string, absolute bool) bool {
	if strings.ContainsAny(s, " \"{}|\\^`") || !percentIsHex(s) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (!absolute || u.Scheme != "")
}

// percentIsHex: net/url does not look into what follows the scheme of a URN.
func percentIsHex(s string) bool {
	_, ok := event.PercentDecode(s)
	return ok
}

// checkTime: time is an RFC 3339 timestamp with a year of four digits.
func checkTime(e *event.Event) *refusal.Refusal {
	s := e.Attributes[event.AttrTime]
	if s == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return refusal.At(refusal.CETime, event.AttrTime)
	}
	e.Time = t
	return nil
}

// validName: CloudEvents 3.1 allows lower-case letters and digits only.
func validName(s string) bool {
	if s == "" || len(s) > MaxName {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
