package mapping

import (
	"bytes"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

// element is an XML element, an attribute, or (above set) the document.
type element struct {
	e     *xmlguard.Element
	attr  string
	above bool // the document, whose only child is e
	value bool // an attribute
}

func readXML(raw []byte, l Limits) (Doc, error) {
	doc, err := xmlguard.Read(bytes.NewReader(raw), xmlguard.Limits{Bytes: l.Bytes, Depth: l.Depth, Kept: l.Nodes},
		func(depth int, _ *xmlguard.Element) bool { return depth == 1 })
	if err != nil {
		return Doc{}, hub.Permanent("not-xml", "read document: %w", err)
	}
	return Doc{element{e: doc.Root, above: true}}, nil
}

func (x element) find(steps []step) []node {
	here := []element{x}
	for _, s := range steps {
		var next []element
		for _, h := range here {
			next = append(next, h.step(s)...)
		}
		here = next
	}
	out := make([]node, 0, len(here))
	for _, h := range here {
		out = append(out, h)
	}
	return out
}

func (x element) step(s step) []element {
	switch {
	case x.value:
		return nil
	case s.attr:
		for _, a := range x.e.Attrs {
			if a.Local == s.name && (s.any && a.Space == "" || !s.any && a.Space == s.space) {
				return []element{{attr: a.Value, value: true}}
			}
		}
		return nil
	}
	children := x.e.Children
	if x.above {
		children = []*xmlguard.Element{x.e}
	}
	var out []element
	for _, c := range children {
		if c.Local == s.name && (s.any || c.Space == s.space) {
			out = append(out, element{e: c})
		}
	}
	return out
}

func (x element) scalar() (scalar, bool) {
	switch {
	case x.value:
		return textScalar(x.attr), true
	case x.above || len(x.e.Children) > 0:
		return scalar{}, false
	}
	return textScalar(x.e.Text), true
}

func (element) items() ([]node, bool) { return nil, false }
