package mapping

import (
	"regexp"
	"strings"
)

// The formats of an input.
const (
	JSON = "json"
	XML  = "xml"
	CSV  = "csv"
)

// path is where a value stands in an input: a JSON Pointer (RFC 6901), steps of
// element names in XML, a column's name in CSV.
type path struct {
	text  string
	steps []step
}

// step is one part of a path.
type step struct {
	name  string
	space string // namespace of an XML name
	any   bool   // in any namespace
	attr  bool   // an attribute
}

var xmlName = regexp.MustCompile(`^@?(?:[\pL_][\pL\pN_.-]*:)?[\pL_][\pL\pN_.-]*$`)

// parsePath reads a path of a format. Within an item of a list (inner) a path
// starts at the item; "" (XML: ".") is the item itself. The text is why not.
func parsePath(format, text string, spaces map[string]string, inner bool) (p path, why string) {
	p.text = text
	switch format {
	case XML:
		return xmlPath(p, text, spaces, inner)
	case CSV:
		if text == "" {
			return p, "the name of a column is missing"
		}
		p.steps = []step{{name: text}}
		return p, ""
	}
	tokens, ok := pointer(text)
	if !ok || text == "" && !inner {
		return p, "is no JSON Pointer like /antrag/nummer"
	}
	for _, token := range tokens {
		p.steps = append(p.steps, step{name: token})
	}
	return p, ""
}

// pointer splits a JSON Pointer (RFC 6901, section 3 and 4).
func pointer(text string) (tokens []string, ok bool) {
	if text == "" {
		return nil, true
	}
	if text[0] != '/' {
		return nil, false
	}
	for token := range strings.SplitSeq(text[1:], "/") {
		rest := strings.NewReplacer("~0", "", "~1", "").Replace(token)
		if strings.Contains(rest, "~") {
			return nil, false
		}
		tokens = append(tokens, strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~"))
	}
	return tokens, true
}

func xmlPath(p path, text string, spaces map[string]string, inner bool) (path, string) {
	const form = "is no path of element names like /Antrag/Person/@id"
	rest := text
	if !inner {
		var rooted bool
		if rest, rooted = strings.CutPrefix(text, "/"); !rooted {
			return p, form
		}
	} else if text == "" || text == "." {
		return p, ""
	}
	names := strings.Split(rest, "/")
	for i, name := range names {
		if !xmlName.MatchString(name) {
			return p, form
		}
		s := step{name: strings.TrimPrefix(name, "@"), attr: name[0] == '@', any: true}
		if s.attr && (i < len(names)-1 || i == 0 && !inner) {
			return p, "an attribute (@) can only be the end of a path below an element"
		}
		if prefix, local, prefixed := strings.Cut(s.name, ":"); prefixed {
			space, declared := spaces[prefix]
			if !declared {
				return p, "the prefix " + prefix + " does not stand in namespaces"
			}
			s.name, s.space, s.any = local, space, false
		}
		p.steps = append(p.steps, s)
	}
	return p, ""
}
