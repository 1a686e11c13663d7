package accepter

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"unicode/utf8"
)

// texts is what a schema says of texts.
type texts struct {
	min, max int // code points
	pattern  *pattern
	format   *format
}

func (w *walker) text(n *node) bool {
	from := w.at
	content, length, escaped, ok := w.quoted()
	if !ok || n.kinds&text == 0 {
		return false
	}
	t := n.texts
	if t != nil && (length < t.min || length > t.max) {
		return false
	}
	if len(n.equal) == 0 && (t == nil || t.pattern == nil && t.format == nil) {
		return true
	}
	if escaped {
		if content, ok = decoded(w.data[from:w.at]); !ok {
			return false
		}
	}
	for _, e := range n.equal {
		if _, ok := e.texts[string(content)]; !ok {
			return false
		}
	}
	return t == nil ||
		(t.pattern == nil || t.pattern.matches(content)) && (t.format == nil || t.format.fits(content))
}

// decoded resolves the escapes of a text by the decoder that jsonschema v5 is fed
// by. Few texts that are held against a pattern have some.
func decoded(raw []byte) ([]byte, bool) {
	var s string
	err := json.Unmarshal(raw, &s)
	return []byte(s), err == nil
}

// quoted reads a text (RFC 8259, 7): what stands between the quotes, its length
// in code points once escapes are resolved, and whether there are any.
func (w *walker) quoted() (content []byte, length int, escaped, ok bool) {
	data, i := w.data, w.at+1
	from, more := i, 0 // more: bytes that are no code points of their own
	for i < len(data) {
		if i+8 <= len(data) {
			n := plain(binary.LittleEndian.Uint64(data[i:]))
			if i += n; n == 8 {
				continue
			}
		}
		switch c := data[i]; {
		case c == '"':
			w.at = i + 1
			return data[from:i], i - from - more, escaped, true
		case c < ' ':
			return nil, 0, false, false
		case c == '\\':
			n := escape(data[i:])
			if n == 0 {
				return nil, 0, false, false
			}
			escaped = true
			i, more = i+n, more+n-1
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				return nil, 0, false, false
			}
			i, more = i+n, more+n-1
		}
	}
	return nil, 0, false, false
}

// plain tells how many of eight bytes, the first one lowest, are ASCII that stands for itself
// in a text, up to the first that is not.
func plain(x uint64) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, back := x^ones*'"', x^ones*'\\'
	// in each term the lowest bit that is set is right, those above it may be carried
	other := (x | (x-ones*' ')&^x | (quote-ones)&^quote | (back-ones)&^back) & high
	return bits.TrailingZeros64(other) / 8
}

// escape gives the length of the escape at the start of s, of both for a
// surrogate pair; 0 if it is none.
func escape(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		switch r, ok := hex4(s); {
		case !ok || r >= 0xdc00 && r <= 0xdfff:
		case r < 0xd800 || r > 0xdfff:
			return 6
		default:
			if low, ok := hex4(s[6:]); ok && low >= 0xdc00 && low <= 0xdfff {
				return 12
			}
		}
	}
	return 0
}

// hex4 reads \uXXXX.
func hex4(s []byte) (r int, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | int(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | int(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | int(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
