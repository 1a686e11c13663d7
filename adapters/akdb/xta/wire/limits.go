package wire

import (
	"errors"
	"fmt"
	"io"
)

// Limits bound what one message may cost. Zero in a field means its default.
type Limits struct {
	Bytes int64 // of all contents together; the standard allows 40 MB
	Parts int   // MIME parts
}

const (
	defaultBytes = 40 << 20
	defaultParts = 256
	envelopeRoom = 4 << 20 // what an envelope may hold besides contents
)

func (l Limits) orDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = defaultBytes
	}
	if l.Parts == 0 {
		l.Parts = defaultParts
	}
	return l
}

// envelope is how large the root part may be: contents may stand in it as
// base64, broken into lines.
func (l Limits) envelope() int64 { return l.Bytes/2*3 + envelopeRoom }

// ErrTooLarge says that a message has more than the limits allow.
var ErrTooLarge = errors.New("the message is larger than the limit")

// FormError says that a message is none of XTA. It quotes nothing of it.
type FormError struct{ What string }

// Error implements error.
func (e *FormError) Error() string { return "not a message of XTA: " + e.What }

func formError(format string, args ...any) error {
	return &FormError{What: fmt.Sprintf(format, args...)}
}

// bounded reads at most limit bytes and fails at the next one. It remembers why
// reading failed: who parses what it gives wraps errors in words of its own,
// some of which quote.
type bounded struct {
	r      io.Reader
	left   *int64
	failed error
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if *b.left -= int64(n); *b.left < 0 {
		n, err = 0, ErrTooLarge
	}
	if err != nil && err != io.EOF {
		b.failed = err
	}
	return n, err
}
