package xmlguard

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"strings"
)

// walk is one pass through a document.
type walk struct {
	limits Limits
	in     *input
	dec    *xml.Decoder
	scope  *scope
	want   func(depth int, e *Element) bool

	doc          Document
	open         []openElement
	kept         int
	begun        int // tokens seen
	line, column int // where the current token begins
}

type openElement struct {
	name xml.Name // as written, with the prefix
	elem *Element // nil when it is not kept
	text *strings.Builder
}

func (w *walk) refuse(code Code, what string) *Error {
	return &Error{Code: code, Line: w.line, Column: w.column, What: what}
}

func (w *walk) start(t xml.StartElement) error {
	depth := len(w.open) + 1
	switch {
	case depth == 1 && w.doc.Root != nil:
		return w.refuse(Syntax, "a second root element")
	case depth > w.limits.Depth:
		return w.refuse(Depth, "elements are nested too deeply")
	case len(t.Attr) > w.limits.Attributes || len(w.in.raw) == rawKept:
		return w.refuse(Limit, "an element with too many attributes")
	case !spacedAttributes(w.in.raw):
		return w.refuse(Syntax, "attributes without white space between them")
	}
	e, err := w.element(t)
	if err != nil {
		return err
	}
	if depth == 1 {
		w.doc.Root = e
	}
	return w.push(depth, t.Name, e)
}

// element resolves the names of a start tag.
func (w *walk) element(t xml.StartElement) (*Element, error) {
	if wrong := w.scope.enter(t.Attr); wrong != "" {
		return nil, w.refuse(Namespace, wrong)
	}
	attrs, code := w.scope.attributes(t.Attr)
	switch code {
	case Syntax:
		return nil, w.refuse(Syntax, "an attribute given twice")
	case Namespace:
		return nil, w.refuse(Namespace, "an attribute with an undeclared prefix")
	}
	space, declared := w.scope.resolve(t.Name.Space)
	if !declared || strings.Contains(t.Name.Local, ":") || t.Name.Space == "xmlns" {
		return nil, w.refuse(Namespace, "an undeclared prefix")
	}
	if space == includeSpace {
		return nil, w.refuse(XInclude, "wants to include another document")
	}
	if w.in.surrogate {
		return nil, w.refuse(Syntax, "a character that XML does not allow")
	}
	return &Element{Space: space, Local: t.Name.Local, Attrs: attrs, Line: w.line, Column: w.column}, nil
}

// push opens e and decides whether it is kept.
func (w *walk) push(depth int, name xml.Name, e *Element) error {
	o := openElement{name: name}
	parent := w.parent()
	switch {
	case parent != nil:
		parent.Children = append(parent.Children, e)
		o.elem = e
	case w.want != nil && w.want(depth, e):
		w.doc.Parts = append(w.doc.Parts, e)
		o.elem = e
	}
	if o.elem != nil {
		if w.kept++; w.kept > w.limits.Kept {
			return w.refuse(Limit, "too many elements")
		}
		o.text = &strings.Builder{}
	}
	w.open = append(w.open, o)
	return nil
}

// parent is the kept element that is open, or nil.
func (w *walk) parent() *Element {
	if len(w.open) == 0 {
		return nil
	}
	return w.open[len(w.open)-1].elem
}

func (w *walk) end(t xml.EndElement) error {
	last := len(w.open) - 1
	if last < 0 || w.open[last].name != t.Name {
		return w.refuse(Syntax, "an end tag that does not match")
	}
	if o := w.open[last]; o.elem != nil {
		o.elem.Text = o.text.String()
	}
	w.open = w.open[:last]
	w.scope.leave()
	return nil
}

func (w *walk) text(t xml.CharData) error {
	if w.in.surrogate && !bytes.HasPrefix(w.in.raw, []byte("<![CDATA[")) {
		return w.refuse(Syntax, "a character that XML does not allow")
	}
	if len(w.open) == 0 {
		if len(bytes.Trim(w.in.raw, " \t\r\n<")) > 0 || len(bytes.TrimSpace(t)) > 0 {
			return w.refuse(Syntax, "text outside the root element")
		}
		return nil
	}
	if o := w.open[len(w.open)-1]; o.elem != nil {
		o.text.Write(t)
	}
	return nil
}

var declaration = regexp.MustCompile(`^version\s*=\s*(?:"1\.0"|'1\.0')` +
	`(?:\s+encoding\s*=\s*(?:"[A-Za-z0-9._-]+"|'[A-Za-z0-9._-]+'))?` +
	`(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*$`)

// instruction lets only the XML declaration pass, and only as the very first
// thing.
func (w *walk) instruction(t xml.ProcInst) error {
	if t.Target != "xml" || w.begun != 1 {
		return w.refuse(PI, "a processing instruction")
	}
	if !declaration.Match(t.Inst) {
		return w.refuse(Syntax, "a malformed XML declaration")
	}
	return nil
}
