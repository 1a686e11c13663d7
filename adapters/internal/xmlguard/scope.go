package xmlguard

import (
	"encoding/xml"
	"slices"
	"strings"
)

const (
	xmlSpace     = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace   = "http://www.w3.org/2000/xmlns/"
	includeSpace = "http://www.w3.org/2001/XInclude"
)

// scope knows which prefix means which namespace (Namespaces in XML 1.0).
type scope struct {
	bound map[string][]string // by prefix, innermost last; "" is the default
	added [][]string          // prefixes that each open element bound
}

func newScope() *scope {
	return &scope{bound: map[string][]string{"": {""}, "xml": {xmlSpace}}}
}

// enter takes up an element's declarations. What is wrong comes back as words,
// "" if nothing.
func (s *scope) enter(attrs []xml.Attr) (wrong string) {
	var added []string
	for _, a := range attrs {
		prefix, declares := declaredPrefix(a.Name)
		if !declares {
			continue
		}
		if wrong := forbidden(prefix, a.Value); wrong != "" {
			return wrong
		}
		s.bound[prefix] = append(s.bound[prefix], a.Value)
		added = append(added, prefix)
	}
	s.added = append(s.added, added)
	return ""
}

func (s *scope) leave() {
	last := len(s.added) - 1
	for _, prefix := range s.added[last] {
		s.bound[prefix] = s.bound[prefix][:len(s.bound[prefix])-1]
	}
	s.added = s.added[:last]
}

// resolve gives the namespace of a prefix.
func (s *scope) resolve(prefix string) (space string, declared bool) {
	bound := s.bound[prefix]
	if len(bound) == 0 {
		return "", false
	}
	return bound[len(bound)-1], true
}

// attributes resolves an element's attributes and leaves declarations out.
func (s *scope) attributes(raw []xml.Attr) ([]Attr, Code) {
	attrs := make([]Attr, 0, len(raw))
	for i, a := range raw {
		if slices.ContainsFunc(raw[:i], func(b xml.Attr) bool { return a.Name == b.Name }) {
			return nil, Syntax
		}
		if _, declares := declaredPrefix(a.Name); declares {
			continue
		}
		space, ok := "", true
		if a.Name.Space != "" {
			space, ok = s.resolve(a.Name.Space)
		}
		if !ok || strings.Contains(a.Name.Local, ":") {
			return nil, Namespace
		}
		attrs = append(attrs, Attr{Space: space, Local: a.Name.Local, Value: a.Value})
	}
	if doubled(attrs) {
		return nil, Syntax
	}
	return attrs, ""
}

// doubled finds two attributes of the same expanded name under two prefixes.
func doubled(attrs []Attr) bool {
	for i, a := range attrs {
		if a.Space != "" && slices.ContainsFunc(attrs[:i], func(b Attr) bool { return a.Space == b.Space && a.Local == b.Local }) {
			return true
		}
	}
	return false
}

func declaredPrefix(name xml.Name) (prefix string, declares bool) {
	switch {
	case name.Space == "xmlns":
		return name.Local, true
	case name.Space == "" && name.Local == "xmlns":
		return "", true
	}
	return "", false
}

func forbidden(prefix, space string) string {
	switch {
	case prefix == "xmlns" || space == xmlnsSpace:
		return "the prefix xmlns is reserved"
	case (prefix == "xml") != (space == xmlSpace):
		return "the prefix xml is reserved"
	case prefix != "" && space == "":
		return "a prefix without a namespace"
	case strings.Contains(prefix, ":"):
		return "a name with two colons"
	}
	return ""
}
