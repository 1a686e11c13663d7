package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Node is an element to be written. Names are written as they stand, prefix and
// all; values are escaped; order is the order given.
type Node struct {
	Name  string
	Attrs []Attr
	Text  string
	Kids  []Node
	// Content, if any, is written as base64 or becomes a part of its own (MTOM).
	Content *Content
}

// Attr is one attribute of a Node.
type Attr struct{ Name, Value string }

// Content is bytes that are carried in an envelope.
type Content struct {
	// Open is called once for each time that the envelope is written.
	Open func() (io.ReadCloser, error)
	Size int64 // bytes, exactly
}

// El is an element with children; those without a name are left out.
func El(name string, kids ...Node) Node { return Node{Name: name, Kids: kids} }

// Tx is an element with text.
func Tx(name, text string) Node { return Node{Name: name, Text: text} }

// opt is Tx, or nothing when there is no text.
func opt(name, text string) Node {
	if text == "" {
		return Node{}
	}
	return Tx(name, text)
}

// With gives the element further attributes; those without a value are left out.
func (n Node) With(pairs ...string) Node {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			n.Attrs = append(n.Attrs, Attr{pairs[i], pairs[i+1]})
		}
	}
	return n
}

// writer collects an envelope: text in memory, contents as references to where
// they come from.
type writer struct {
	text     bytes.Buffer
	pieces   []piece // what stands before the text not yet cut off
	mtom     bool
	contents []*Content // MTOM: those that become parts
	host     string     // right part of the content ids
}

// piece is either text or a content.
type piece struct {
	text    []byte
	content *Content
}

func (w *writer) node(n Node) error {
	if n.Name == "" {
		return nil
	}
	w.text.WriteString("<" + n.Name)
	for _, a := range n.Attrs {
		w.text.WriteString(" " + a.Name + `="`)
		if err := w.escape(a.Name, a.Value); err != nil {
			return err
		}
		w.text.WriteByte('"')
	}
	w.text.WriteByte('>')
	if err := w.escape(n.Name, n.Text); err != nil {
		return err
	}
	if n.Content != nil {
		w.content(n.Content)
	}
	for _, k := range n.Kids {
		if err := w.node(k); err != nil {
			return err
		}
	}
	w.text.WriteString("</" + n.Name + ">")
	return nil
}

func (w *writer) content(c *Content) {
	if w.mtom {
		w.contents = append(w.contents, c)
		fmt.Fprintf(&w.text, `<xop:Include xmlns:xop="%s" href="cid:part%d%%40%s"/>`, nsXOP, len(w.contents), w.host)
		return
	}
	w.cut()
	w.pieces = append(w.pieces, piece{content: c})
}

func (w *writer) cut() {
	if w.text.Len() > 0 {
		w.pieces = append(w.pieces, piece{text: bytes.Clone(w.text.Bytes())})
		w.text.Reset()
	}
}

// escape refuses what XML cannot carry, rather than writing U+FFFD for it.
func (w *writer) escape(name, value string) error {
	bad := func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	}
	if !utf8.ValidString(value) || strings.ContainsFunc(value, bad) {
		return fmt.Errorf("write %s: a character that XML does not allow", name)
	}
	return xml.EscapeText(&w.text, []byte(value))
}
