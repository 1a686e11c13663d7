package event

import "strings"

// Binary adds to h the headers that attributes have in binary mode (CloudEvents NATS
// binding 3.1).
func (a Attributes) Binary(h map[string][]string) {
	values := make([]string, len(a)) // one piece of memory for all
	for i, one := range a {
		values[i] = PercentEncode(one.Value)
		h[HeaderOf(one.Name)] = values[i : i+1 : i+1]
	}
}

// HeaderOf is the header of an attribute.
func HeaderOf(name string) string {
	if h, ok := headers[name]; ok {
		return h
	}
	return "ce-" + name
}

// headers are those of attributes that come often.
var headers = func() map[string]string {
	out := map[string]string{}
	for _, name := range []string{
		AttrID, AttrSource, AttrSpecVersion, AttrType, AttrDataContentType, AttrDataSchema, AttrSubject, AttrTime,
		"correlationid", "causationid", "traceparent", "ags", "dataref",
	} {
		out[name] = "ce-" + name
	}
	return out
}()

// PercentEncode encodes a header value as the NATS binding asks (3.1.3.2):
// space, double quote, percent and everything outside U+0021 to U+007E.
func PercentEncode(s string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if mustEncode(s[i]) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; mustEncode(c) {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func mustEncode(c byte) bool { return c <= 0x20 || c >= 0x7f || c == '"' || c == '%' }

// PercentDecode decodes a header value (NATS binding 3.1.3.2: as in the HTTP
// binding, each %xx is one byte of UTF-8). A "%" without two hexadecimal
// digits is refused rather than taken literally.
func PercentDecode(s string) (string, bool) {
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
