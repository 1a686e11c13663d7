package wire

import (
	"bufio"
	"strconv"
	"strings"
)

// characters reads a text of XML as what it means, as far as base64 may have it:
// without the marks of CDATA sections, character references resolved. Serializers
// write the line ends that a MIME encoder made as "&#13;".
type characters struct {
	r     *bufio.Reader
	cdata bool
}

// Read implements io.Reader.
func (c *characters) Read(p []byte) (int, error) {
	for n := 0; ; {
		b, err := c.r.ReadByte()
		if err != nil && n > 0 {
			return n, nil // it comes again
		}
		if err != nil {
			return 0, err
		}
		if c.mark(b) {
			continue
		}
		if b == '&' && !c.cdata {
			b = c.resolve()
		}
		p[n] = b
		if n++; n == len(p) || c.r.Buffered() == 0 {
			return n, nil
		}
	}
}

// mark passes over the rest of a mark that b begins.
func (c *characters) mark(b byte) bool {
	whole := cdataStart
	if c.cdata {
		whole = cdataEnd
	}
	if b != whole[0] {
		return false
	}
	rest, _ := c.r.Peek(len(whole) - 1)
	if string(rest) != whole[1:] {
		return false
	}
	_, _ = c.r.Discard(len(rest)) // it was at hand
	c.cdata = !c.cdata
	return true
}

// longReference is more than any reference needs, leading zeros counted.
const longReference = 1 << 10

// resolve reads what follows an "&" up to the ";". NUL, which is in no base64, is
// what it gives for anything else than a character of ASCII.
func (c *characters) resolve() byte {
	var name strings.Builder
	for {
		b, err := c.r.ReadByte()
		if err != nil || name.Len() > longReference {
			return 0
		}
		if b == ';' {
			break
		}
		name.WriteByte(b)
	}
	digits, ok := strings.CutPrefix(name.String(), "#")
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	char, err := strconv.ParseUint(digits, base, 7)
	if !ok || err != nil {
		return 0
	}
	return byte(char)
}
