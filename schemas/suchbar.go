package schemas

import "slices"

// Suchbar is a field whose value a caller may have (a file reference, a message's
// UUID), by which the console finds the event: it keeps a keyed hash of it.
type Suchbar struct {
	Pointer string // through an array it means every item
	Art     string // what it is: aktenzeichen, nachrichtenuuid …
}

// MaxSuchbar is how many values of one event are searchable; further ones are not.
const MaxSuchbar = 32

// maxSuchbarLen is how long a searchable value may be, in bytes.
const maxSuchbarLen = 512

// matters are the categories of what names a matter and no person. Values of any other
// category (names, dates of birth, addresses, plates) are never searchable.
var matters = []string{"", "vorgang", "meldung", "termin", "zahlung"}

// searchable takes a field with x-suchbar.
func (s *Schema) searchable(f Field, p *problems) {
	switch {
	case !slices.Contains(matters, f.Datenkategorie) || f.Sperre != "":
		p.at(f.at, CodeMark, "x-suchbar gibt es nur an Kennungen einer Sache: nie an Angaben zur Person (Kategorie %s) und nie an einer Sperre.",
			"x-suchbar exists on identifiers of a matter only: never on what is about a person (category %s), and never on a block.", f.Datenkategorie)
	case !f.Leaf || !f.text || f.dated:
		p.at(f.at, CodeMark, "x-suchbar gehört an einen einzelnen Text, der kein Datum ist.", "x-suchbar belongs to a single text that is no date.")
	}
	s.Suchbar = append(s.Suchbar, Suchbar{f.Pointer, f.Suchbar})
}

// searchableAttributes takes x-suchbar-attribute.
func (s *Schema) searchableAttributes(p *problems) {
	v, given := s.resolved["x-suchbar-attribute"]
	if !given {
		return
	}
	names, ok := v.([]any)
	for _, n := range names {
		name, _ := n.(string)
		ok = ok && (name == "subject" || name == "causationid" || slices.Contains(s.Attributes, name)) && !slices.Contains(s.SuchbarAttribute, name)
		s.SuchbarAttribute = append(s.SuchbarAttribute, name)
	}
	if !ok {
		p.at("/x-suchbar-attribute", CodeMark, "x-suchbar-attribute ist eine Liste verschiedener Attribute: subject, causationid oder eines aus x-attribute.",
			"x-suchbar-attribute is a list of distinct attributes: subject, causationid or one of x-attribute.")
	}
}

// Searched is a searchable value of an event.
type Searched struct {
	Suchbar
	Value string
}

// Searched gives the searchable values of raw, which has passed the gate; it need not
// be valid by the schema.
func (s *Schema) Searched(raw []byte) []Searched {
	if len(s.Suchbar) == 0 || len(raw) == 0 {
		return nil
	}
	doc, _ := reader{raw}.pruned(0, s.suchbar)
	var out []Searched
	for _, one := range s.Suchbar {
		texts(doc, one.Pointer, func(value string) bool {
			if value != "" && len(value) <= maxSuchbarLen {
				out = append(out, Searched{one, value})
			}
			return len(out) < MaxSuchbar
		})
	}
	return out
}

// texts gives the texts at a pointer, of each item of arrays on the way, until fn says
// no more.
func texts(v any, pointer string, fn func(string) bool) bool {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if !texts(item, pointer, fn) {
				return false
			}
		}
	case map[string]any:
		if pointer != "" {
			name, rest := first(pointer)
			return texts(v[name], rest, fn)
		}
	case string:
		if pointer == "" {
			return fn(v)
		}
	}
	return true
}

// first cuts the first name off a pointer.
func first(pointer string) (name, rest string) {
	for i := 1; i < len(pointer); i++ {
		if pointer[i] == '/' {
			return untoken(pointer[1:i]), pointer[i:]
		}
	}
	return untoken(pointer[1:]), ""
}
