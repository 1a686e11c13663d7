// Package xmlout writes XML documents as XÖV wants them: names with the prefixes
// of the standard, children in the order given, and text in the characters of
// DIN 91379 only.
package xmlout

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// Elem is an element to be written. Names are written as they stand, prefix and
// all; values are escaped; order is the order given. encoding/xml cannot write
// a qualified root around unqualified children without clutter.
type Elem struct {
	Name  string
	Attrs []Attr
	Text  string
	Kids  []Elem
}

// Attr is one attribute, or a namespace declaration.
type Attr struct{ Name, Value string }

// El is an element with children; those without a name are left out.
func El(name string, kids ...Elem) Elem { return Elem{Name: name, Kids: kids} }

// Tx is an element with text.
func Tx(name, text string) Elem { return Elem{Name: name, Text: text} }

// Opt is Tx, or nothing when there is no text.
func Opt(name, text string) Elem {
	if text == "" {
		return Elem{}
	}
	return Tx(name, text)
}

// Each makes one element of every value.
func Each[T any](values []T, one func(T) Elem) []Elem {
	kids := make([]Elem, 0, len(values))
	for _, v := range values {
		kids = append(kids, one(v))
	}
	return kids
}

// UnmappableError says which field keeps an event from becoming a message. It
// names elements or fields and never their values.
type UnmappableError struct{ Field, What string }

// Error implements error.
func (e *UnmappableError) Error() string { return e.Field + " " + e.What }

// Unmappable makes an *UnmappableError; what may have verbs for args.
func Unmappable(field, what string, args ...any) error {
	return &UnmappableError{Field: field, What: fmt.Sprintf(what, args...)}
}

// Render writes a document. A text with a character outside DIN 91379 is an
// *UnmappableError.
func Render(root Elem) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := root.write(&b, 0); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (e Elem) write(b *bytes.Buffer, depth int) error {
	if e.Name == "" {
		return nil
	}
	indent := strings.Repeat("  ", depth)
	b.WriteString(indent + "<" + e.Name)
	for _, a := range e.Attrs {
		b.WriteString(" " + a.Name + `="`)
		if err := escape(b, a.Name, a.Value); err != nil {
			return err
		}
		b.WriteByte('"')
	}
	b.WriteByte('>')
	if err := escape(b, e.Name, e.Text); err != nil {
		return err
	}
	if len(e.Kids) > 0 {
		b.WriteByte('\n')
		for _, k := range e.Kids {
			if err := k.write(b, depth+1); err != nil {
				return err
			}
		}
		b.WriteString(indent)
	}
	b.WriteString("</" + e.Name + ">\n")
	return nil
}

func escape(b *bytes.Buffer, field, value string) error {
	if !dinText(value) {
		return Unmappable(field, "has a character outside DIN 91379")
	}
	if err := xml.EscapeText(b, []byte(value)); err != nil {
		return fmt.Errorf("write %s: %w", field, err)
	}
	return nil
}
