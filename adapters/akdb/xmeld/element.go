package xmeld

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// elem is an element to be written. Names are written as they stand, prefix and
// all; values are escaped; order is the order given. encoding/xml cannot write
// a qualified root around unqualified children without clutter.
type elem struct {
	name  string
	attrs []attr
	text  string
	kids  []elem
}

type attr struct{ name, value string }

// el is an element with children; those without a name are left out.
func el(name string, kids ...elem) elem { return elem{name: name, kids: kids} }

// tx is an element with text.
func tx(name, text string) elem { return elem{name: name, text: text} }

// opt is tx, or nothing when there is no text.
func opt(name, text string) elem {
	if text == "" {
		return elem{}
	}
	return tx(name, text)
}

// each makes one element of every value.
func each(values []string, one func(string) elem) []elem {
	kids := make([]elem, 0, len(values))
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

func unmappable(field, what string, args ...any) error {
	return &UnmappableError{Field: field, What: fmt.Sprintf(what, args...)}
}

// render writes a document. A text with a character outside DIN 91379 is an
// *UnmappableError.
func render(root elem) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := root.write(&b, 0); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (e elem) write(b *bytes.Buffer, depth int) error {
	if e.name == "" {
		return nil
	}
	indent := strings.Repeat("  ", depth)
	b.WriteString(indent + "<" + e.name)
	for _, a := range e.attrs {
		b.WriteString(" " + a.name + `="`)
		if err := escape(b, a.name, a.value); err != nil {
			return err
		}
		b.WriteByte('"')
	}
	b.WriteByte('>')
	if err := escape(b, e.name, e.text); err != nil {
		return err
	}
	if len(e.kids) > 0 {
		b.WriteByte('\n')
		for _, k := range e.kids {
			if err := k.write(b, depth+1); err != nil {
				return err
			}
		}
		b.WriteString(indent)
	}
	b.WriteString("</" + e.name + ">\n")
	return nil
}

func escape(b *bytes.Buffer, field, value string) error {
	if !dinText(value) {
		return unmappable(field, "has a character outside DIN 91379")
	}
	if err := xml.EscapeText(b, []byte(value)); err != nil {
		return fmt.Errorf("write %s: %w", field, err)
	}
	return nil
}
