package xmlguard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rawKept is how much of a token's own text is remembered; a start tag longer
// than this is refused.
const rawKept = 64 << 10

// input hands a document to the decoder byte by byte. It knows the exact place,
// remembers the text of the current token, and lets only well-formed UTF-8 and
// characters allowed by XML 1.0 (section 2.2) pass.
type input struct {
	r       *bufio.Reader
	limit   int64
	count   int64 // bytes handed out
	raw     []byte
	pending [utf8.UTFMax]byte
	next    int // first byte of pending not yet handed out
	size    int // bytes in pending
	line    int
	column  int
	failed  error // what the reader below reported, io.EOF aside

	idle    bool  // nobody wants the text of the current token
	skipped int64 // bytes of such texts that were not handed out
	bracket bool  // the last character was "]"

	reference []byte // a character reference underway: "&#xD80"
	surrogate bool   // the token has a reference to a surrogate
}

func newInput(r io.Reader, limit int64) (*input, error) {
	in := &input{r: bufio.NewReaderSize(r, 32<<10), limit: limit, line: 1, column: 1}
	// A byte order mark in UTF-8 is allowed by XML 1.0 (appendix F) and common
	// in files written on Windows; it is no character of the document.
	bom, err := in.r.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if string(bom) == "\xef\xbb\xbf" {
		_, _ = in.r.Discard(len(bom))
	}
	return in, nil
}

// Read is there because the decoder asks for an io.Reader; it uses ReadByte.
func (in *input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// ReadByte implements io.ByteReader.
func (in *input) ReadByte() (byte, error) {
	if in.next == in.size {
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	b := in.pending[in.next]
	in.next++
	in.count++
	in.refer(b)
	switch {
	case len(in.raw) < rawKept:
		in.raw = append(in.raw, b)
	case in.raw[0] == '<' && in.raw[1] == '?':
		return 0, in.refuse(PI, "a processing instruction")
	case in.raw[0] == '<' && in.raw[1] != '!':
		// the decoder would collect all of it, and its attributes
		return 0, in.refuse(Limit, "a tag that is too long")
	}
	return b, nil
}

// refer watches for a reference to a surrogate (&#xD800;), which is no character
// (XML 1.0, 4.1) and becomes U+FFFD in the decoder, as if that had been written.
func (in *input) refer(b byte) {
	switch {
	case b == '&':
		in.reference = append(in.reference[:0], b)
	case len(in.reference) == 0:
	case b == ';':
		in.surrogate = in.surrogate || isSurrogate(string(in.reference))
		in.reference = in.reference[:0]
	case len(in.reference) < 64:
		in.reference = append(in.reference, b)
	}
}

// isSurrogate reads "&#xD800" or "&#55296".
func isSurrogate(reference string) bool {
	base := 10
	digits, ok := strings.CutPrefix(reference, "&#")
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return ok && err == nil && n >= 0xD800 && n <= 0xDFFF
}

func (in *input) fill() error {
	for {
		in.leap()
		c, size, err := in.take()
		if err != nil {
			return err
		}
		if !in.dispensable(c) {
			in.next, in.size = 0, utf8.EncodeRune(in.pending[:], c)
			return nil
		}
		in.skipped += int64(size)
	}
}

// skipping holds within a long text that nobody wants, between references.
func (in *input) skipping() bool {
	return in.idle && len(in.raw) == rawKept && in.raw[0] != '<' && len(in.reference) == 0
}

// dispensable says of a character of such a text that the decoder need not see it:
// it would only gather it. What can end the text, make it malformed, or belongs to
// a reference, it sees.
func (in *input) dispensable(c rune) bool {
	after := in.bracket
	in.bracket = c == ']'
	return in.skipping() && !after && c != '<' && c != '&' && c != '>' && c != ']'
}

// leap skips what is plainly dispensable in one go: ASCII that is at hand.
func (in *input) leap() {
	if in.bracket || !in.skipping() {
		return
	}
	room := in.limit - in.count - in.skipped
	ahead, _ := in.r.Peek(int(min(int64(in.r.Buffered()), room)))
	n := 0
	for _, b := range ahead {
		if (b < ' ' || b > '~') && b != '\n' && b != '\r' && b != '\t' || b == '<' || b == '&' || b == '>' || b == ']' {
			break
		}
		n++
		in.column++
		if b == '\n' {
			in.line, in.column = in.line+1, 1
		}
	}
	_, _ = in.r.Discard(n)
	in.skipped += int64(n)
}

// take reads one character and checks it.
func (in *input) take() (c rune, size int, err error) {
	c, size, err = in.r.ReadRune()
	if err != nil {
		if err == io.EOF { //nolint:errorlint // a wrapped EOF is a failure below, not the end
			return 0, 0, io.EOF
		}
		in.failed = fmt.Errorf("read document: %w", err)
		return 0, 0, in.failed
	}
	if c == utf8.RuneError && size == 1 {
		return 0, 0, in.refuse(Encoding, "not UTF-8")
	}
	if !allowed(c) {
		return 0, 0, in.refuse(Encoding, "a character that XML does not allow")
	}
	if in.count+in.skipped+int64(size) > in.limit {
		return 0, 0, in.refuse(Limit, "the document is too large")
	}
	in.column++
	if c == '\n' {
		in.line, in.column = in.line+1, 1
	}
	return c, size, nil
}

func (in *input) refuse(code Code, what string) *Error {
	return &Error{Code: code, Line: in.line, Column: in.column, What: what}
}

// mark begins a new token. ahead is how many bytes the decoder has already
// taken of it (the "<" that ended a text).
func (in *input) mark(ahead int64) (line, column int) {
	in.surrogate = false
	if ahead == 1 {
		in.raw = append(in.raw[:0], '<')
		return in.line, in.column - 1
	}
	in.raw = in.raw[:0]
	return in.line, in.column
}

// allowed says whether XML 1.0 allows c in a document (section 2.2, Char).
func allowed(c rune) bool {
	switch {
	case c == '\t' || c == '\n' || c == '\r':
		return true
	case c < ' ' || c == 0xFFFE || c == 0xFFFF:
		return false
	}
	return true
}
