package xmlguard

import (
	"encoding/xml"
	"errors"
	"io"
)

// Document is what Read kept of a document.
type Document struct {
	// Root with its attributes; its text and children only if it was wanted.
	Root *Element
	// Parts are the wanted elements, complete, in document order. The root is
	// among them if it was wanted.
	Parts []*Element
}

// Read goes through a whole document once, keeps the elements that want asks
// for, and forgets the rest, so that a large document costs little memory. The
// depth of the root is 1; e has its name, attributes and place, but no content
// yet. Below a wanted element want is not called.
//
// Read returns an *Error (see its codes) when the document breaks a rule of the
// package or a limit, and a wrapped error of r when reading fails. It never
// returns part of a refused document.
func Read(r io.Reader, limits Limits, want func(depth int, e *Element) bool) (*Document, error) {
	limits = limits.orDefaults()
	in, err := newInput(r, limits.Bytes)
	if err != nil {
		return nil, err
	}
	w := &walk{limits: limits, in: in, dec: xml.NewDecoder(in), scope: newScope(), want: want}
	w.dec.CharsetReader = func(string, io.Reader) (io.Reader, error) {
		return nil, w.refuse(Encoding, "an encoding other than UTF-8 is declared")
	}
	for tokens := 0; ; tokens++ {
		if tokens > limits.Tokens {
			return nil, w.refuse(Limit, "too many tags")
		}
		switch err := w.step(); {
		case err == io.EOF: //nolint:errorlint // step gives the end unwrapped
			return w.finish()
		case err != nil:
			return nil, err
		}
	}
}

// step takes one token. At the end of the document it returns io.EOF.
func (w *walk) step() error {
	w.line, w.column = w.in.mark(w.in.count - w.dec.InputOffset())
	w.in.idle = len(w.open) > 0 && w.parent() == nil
	token, err := w.dec.RawToken()
	if err != nil {
		return w.syntax(err)
	}
	w.begun++
	switch t := token.(type) {
	case xml.StartElement:
		return w.start(t)
	case xml.EndElement:
		return w.end(t)
	case xml.CharData:
		return w.text(t)
	case xml.ProcInst:
		return w.instruction(t)
	case xml.Directive:
		return w.refuse(DTD, "a document type declaration")
	}
	return nil
}

func (w *walk) finish() (*Document, error) {
	if len(w.open) > 0 {
		return nil, w.refuse(Syntax, "the document ends too early")
	}
	if w.doc.Root == nil {
		return nil, w.refuse(Syntax, "there is no root element")
	}
	return &w.doc, nil
}

// syntax says what the decoder's error means. What the reader below reported
// comes through unchanged.
func (w *walk) syntax(err error) error {
	if err == io.EOF { //nolint:errorlint // the decoder gives the end unwrapped
		return io.EOF
	}
	if w.in.failed != nil {
		return w.in.failed
	}
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	if twoColons(w.in.raw) {
		return w.refuse(Namespace, "a name with two colons")
	}
	return w.refuse(Syntax, describe(err))
}
