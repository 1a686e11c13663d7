package xmlguard

import "strings"

// Element is one element with what it contains. Its methods may be called on
// nil, which is an element without content: a path that is not there reads as
// empty.
type Element struct {
	Space, Local string // namespace and local name
	Attrs        []Attr // without namespace declarations
	Text         string // its own character data, unchanged
	Children     []*Element
	Line, Column int
}

// Attr is one attribute.
type Attr struct{ Space, Local, Value string }

// Child gives the first child with the local name, in any namespace, or nil.
func (e *Element) Child(local string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Local == local {
			return c
		}
	}
	return nil
}

// All gives the children with the local name, in any namespace.
func (e *Element) All(local string) []*Element {
	if e == nil {
		return nil
	}
	var found []*Element
	for _, c := range e.Children {
		if c.Local == local {
			found = append(found, c)
		}
	}
	return found
}

// At follows first children by local name and gives nil where the path ends.
func (e *Element) At(path ...string) *Element {
	for _, local := range path {
		e = e.Child(local)
	}
	return e
}

// Value is the text at the path without white space around it, "" when the
// path is not there.
func (e *Element) Value(path ...string) string {
	if e = e.At(path...); e == nil {
		return ""
	}
	return strings.TrimSpace(e.Text)
}

// Attr gives the attribute without namespace of that name.
func (e *Element) Attr(local string) (value string, given bool) {
	if e == nil {
		return "", false
	}
	for _, a := range e.Attrs {
		if a.Space == "" && a.Local == local {
			return a.Value, true
		}
	}
	return "", false
}
