package accept

import (
	"mime"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// checkAttributes holds the attributes to CloudEvents 1.0.2 section 3.
func checkAttributes(e *event.Event) *refusal.Refusal {
	version := e.Attributes.Value(event.AttrSpecVersion)
	for _, a := range [...]struct{ name, value string }{
		{event.AttrSpecVersion, version}, {event.AttrID, e.ID()}, {event.AttrSource, e.Source()}, {event.AttrType, e.Type()},
	} {
		if a.value == "" {
			return refusal.At(refusal.CERequired, a.name)
		}
	}
	if version != "1.0" {
		return refusal.At(refusal.CESpecVersion, event.AttrSpecVersion)
	}
	empty := false
	for _, a := range e.Attributes {
		if r := checkText(a.Name, a.Value); r != nil {
			return r
		}
		empty = empty || a.Value == ""
	}
	// these may be missing; when they are there they are not empty (3.1)
	for _, name := range [...]string{event.AttrSubject, event.AttrTime, event.AttrDataSchema, event.AttrDataContentType} {
		if value, set := e.Attributes.Get(name); empty && set && value == "" {
			return refusal.At(refusal.CERequired, name)
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
	if printable(value) {
		return nil
	}
	if !utf8.ValidString(value) {
		return refusal.At(refusal.UTF8Invalid, name)
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

// printable tells whether s is of ASCII's printable characters alone.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// checkURIs: source is a URI-reference, dataschema an absolute URI (3.1).
func checkURIs(e *event.Event) *refusal.Refusal {
	if !validURI(e.Source(), false) {
		return refusal.At(refusal.CEURI, event.AttrSource)
	}
	if s := e.DataSchema(); s != "" && !validURI(s, true) {
		return refusal.At(refusal.CEURI, event.AttrDataSchema)
	}
	if ct := e.ContentType(); ct != "" && ct != usualType {
		t, _, err := mime.ParseMediaType(ct)
		// an event as the data of an event would be taken for the outer one
		if err != nil || !strings.Contains(t, "/") || strings.HasPrefix(t, "application/cloudevents") {
			return refusal.At(refusal.CEMediaType, event.AttrDataContentType)
		}
	}
	return nil
}

func validURI(s string, absolute bool) bool {
	if plainURI(s) {
		return true
	}
	if strings.ContainsAny(s, " \"{}|\\^`") || strings.IndexFunc(s, unseen) >= 0 || !percentIsHex(s) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (!absolute || u.Scheme != "")
}

// plainURI tells whether s is a URN (RFC 8141) or an https URI of letters, digits and what
// usually stands between them; of others it does not know.
func plainURI(s string) bool {
	rest, urn := strings.CutPrefix(s, "urn:")
	ok, between := urn, byte(':')
	if !urn {
		rest, ok = strings.CutPrefix(s, "https://")
		between = '/'
	}
	for i := range len(rest) {
		c := rest[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == between || c == '-' || c == '.' || c == '_')
	}
	return ok && rest != ""
}

// unseen are characters that would make two URIs look like one. Beyond ASCII a
// URI has none at all (RFC 3986), but letters are let pass (RFC 3987): they
// compare by their bytes.
func unseen(r rune) bool {
	return r > 0x7f && !unicode.IsGraphic(r) || unicode.In(r, unicode.Zs, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// percentIsHex: net/url does not look into what follows the scheme of a URN.
func percentIsHex(s string) bool {
	_, ok := event.PercentDecode(s)
	return ok
}

// validName: CloudEvents 3.1 allows lower-case letters and digits only, and no
// attribute called data.
func validName(s string) bool {
	if s == "" || s == "data" || len(s) > MaxName {
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
