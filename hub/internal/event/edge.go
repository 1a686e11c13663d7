package event

import "strings"

// PlainType tells whether a type can stand in a subject as it is: [a-z0-9-] joined by
// dots.
func PlainType(s string) bool {
	dot := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.' && !dot:
			dot = true
		case (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-':
			dot = false
		default:
			return false
		}
	}
	return !dot && len(s) <= 256
}

// EdgeSubject is where an application's event of a type enters the hub's own way:
// edge.<org>.<app>.<type>. A type that is no plain one is one token, percent-encoded
// behind a "%".
func EdgeSubject(application, typ string) string {
	if PlainType(typ) {
		return "edge." + application + "." + typ
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	b.WriteString("edge." + application + ".%")
	for i := 0; i < len(typ); i++ {
		if c := typ[i]; (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

// TypeOf reads the type in an EdgeSubject, which is all behind the application.
func TypeOf(tokens string) (string, bool) {
	encoded, odd := strings.CutPrefix(tokens, "%")
	if !odd {
		return tokens, true
	}
	return PercentDecode(encoded)
}
