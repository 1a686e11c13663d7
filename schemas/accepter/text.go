package accepter

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// texts is what a schema says of texts.
type texts struct {
	min, max int // code points
	pattern  *pattern
	format   *format
}

func (w *walker) text(n *node) bool {
	if n.kinds&text == 0 {
		return false
	}
	t := n.texts
	if t != nil && t.pattern != nil && t.pattern.plain {
		if content, ok := w.matched(t.pattern.steps); ok {
			return len(content) >= t.min && len(content) <= t.max && n.equals(content) &&
				(t.format == nil || t.format.fits(content))
		}
	}
	from := w.at
	content, length, escaped, ok := w.quoted()
	if !ok {
		return false
	}
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
	return n.equals(content) && (t == nil ||
		(t.pattern == nil || t.pattern.matches(content)) && (t.format == nil || t.format.fits(content)))
}

// equals tells whether a text is among those of each enum and const.
func (n *node) equals(content []byte) bool {
	for _, e := range n.equal {
		if !e.text(content) {
			return false
		}
	}
	return true
}

func (v *values) text(content []byte) bool {
	if len(v.texts) <= fewNames {
		for _, s := range v.texts {
			if s == string(content) {
				return true
			}
		}
		return false
	}
	_, ok := slices.BinarySearchFunc(v.texts, content, func(s string, content []byte) int { return strings.Compare(s, string(content)) })
	return ok
}

// matched reads a text that the steps of a pattern lead through, all of them plain: each of its
// bytes is a code point that stands for itself. When they do not, that says nothing, and the
// place is as before.
func (w *walker) matched(steps []step) ([]byte, bool) {
	from := w.at + 1
	n := lead(steps, w.data[from:])
	if to := from + n; n >= 0 && to < len(w.data) && w.data[to] == '"' {
		w.at = to + 1
		return w.data[from:to], true
	}
	return nil, false
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
			other := others(binary.LittleEndian.Uint64(data[i:]))
			if other == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(other) / 8
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

// ones and high are one, and the highest bit, in each of eight bytes.
const ones, high = 0x0101010101010101, 0x8080808080808080

// others has a bit set for the first of eight bytes, the first one lowest, that is not ASCII that
// stands for itself in a text, and none below; 0: all are.
func others(x uint64) uint64 {
	quote, back := x^ones*'"', x^ones*'\\'
	// in each term the lowest bit that is set is right, those above it may be carried
	return (x | (x-ones*' ')&^x | (quote-ones)&^quote | (back-ones)&^back) & high
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
