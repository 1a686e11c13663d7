package csvrows

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub"
)

const bom = "\xef\xbb\xbf"

// Survey goes through a whole file once, before any row of it is used: it gives
// the SHA-256 of its bytes in hexadecimal, and a Permanent Fault "bad-encoding",
// with the line, when the file is surely not in its encoding.
func Survey(r io.Reader, f Format) (string, error) {
	h := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(r, h), 64<<10)
	start, err := in.Peek(len(bom))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read file: %w", err)
	}
	if why := wrongStart(string(start), f); why != "" {
		return "", hub.Permanent("bad-encoding", "read file: %s", why)
	}
	for line := 1; ; {
		c, size, err := in.ReadRune()
		switch {
		case errors.Is(err, io.EOF):
			return hex.EncodeToString(h.Sum(nil)), nil
		case err != nil:
			return "", fmt.Errorf("read file: %w", err)
		case c == '\n':
			line++
		case c == 0:
			return "", hub.Permanent("bad-encoding", "read file: line %d has a zero byte: the file is no text, or UTF-16", line)
		case f.Encoding == UTF8 && c == utf8.RuneError && size == 1:
			return "", hub.Permanent("bad-encoding", "read file: line %d is not UTF-8; is it windows-1252?", line)
		case f.Encoding != UTF8 && c >= 0x80:
			if why := f.wrongByte(in, size); why != "" {
				return "", hub.Permanent("bad-encoding", "read file: line %d %s", line, why)
			}
		}
	}
}

// wrongStart holds the first bytes against the format: a mark that says another
// encoding than the setting makes the file ambiguous.
func wrongStart(start string, f Format) string {
	switch {
	case len(start) >= 2 && (start[:2] == "\xff\xfe" || start[:2] == "\xfe\xff"):
		return "it is UTF-16, which is none of the encodings"
	case start == bom && f.Encoding != UTF8:
		return "it begins with the mark of UTF-8, and encoding says " + f.Encoding
	}
	return ""
}

// wrongByte judges a byte above ASCII in an encoding of single bytes. The rune
// just read is taken back: only its first byte counts.
func (f Format) wrongByte(in *bufio.Reader, size int) string {
	if err := in.UnreadRune(); err != nil {
		return "cannot be read"
	}
	b, err := in.ReadByte()
	if err != nil || size == 0 {
		return "cannot be read"
	}
	switch r := tables[f.Encoding].DecodeByte(b); {
	case r == utf8.RuneError:
		return "has a byte that " + f.Encoding + " does not know"
	case unicode.IsControl(r):
		return "has a control character of " + f.Encoding + "; is it windows-1252?"
	}
	return ""
}

// decode gives a field's text in UTF-8.
func (f Format) decode(raw []byte) string {
	table := tables[f.Encoding]
	if table == nil {
		return string(raw)
	}
	out := make([]byte, 0, len(raw)+8)
	for _, b := range raw {
		out = utf8.AppendRune(out, table.DecodeByte(b))
	}
	return string(out)
}
