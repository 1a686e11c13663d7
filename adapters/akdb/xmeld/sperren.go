package xmeld

import (
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// uebermittlungssperren are the codes of DSMeld 1801 that are objections to one
// kind of transfer; the others are blocks on information (§ 51 BMG).
var uebermittlungssperren = []string{"2", "5", "7", "10", "13"}

// SperrenOf gathers the blocks below the elements, nil if there are none. A code
// that is not known counts as a block on information: too much care harms nobody.
func SperrenOf(elements ...*xmlguard.Element) *Sperren {
	s := &Sperren{}
	for _, e := range elements {
		s.gather(e)
	}
	if s.none() {
		return nil
	}
	return s
}

// SperrenIn gathers the blocks that stand anywhere in a message, nil if there are
// none. A message that brings another one back in base64 may hide any block.
func SperrenIn(m *xoev.Message) *Sperren {
	s := SperrenOf(m.Blocks...)
	if BringsBack(m) {
		if s == nil {
			s = &Sperren{}
		}
		s.Auskunftssperre = true
	}
	return s
}

// BringsBack holds for a Rückweisung (0010, of whatever standard) and XMeld's
// administration.returntosender (0900, 0910) and datenabrufe.aussteuerung (1322).
func BringsBack(m *xoev.Message) bool {
	name := strings.ToLower(m.Element)
	return slices.ContainsFunc([]string{"rueckweisung", "returntosender", "aussteuerung"}, func(part string) bool { return strings.Contains(name, part) })
}

func (s *Sperren) none() bool {
	return s == nil || !s.Auskunftssperre && !s.BedingterSperrvermerk && s.Uebermittlungssperren == nil
}

// gather says whether e tells of a block, or that there is none.
func (s *Sperren) gather(e *xmlguard.Element) (told bool) {
	if e == nil {
		return false
	}
	name := strings.ToLower(e.Local)
	block := xoev.IsBlock(e) || name == "eintragung"
	if block {
		told = s.own(name, e)
	}
	for _, c := range e.Children {
		if s.gather(c) {
			told = true
		}
	}
	if block && !told {
		s.mark(name) // nothing in it can be read: in doubt there is a block
	}
	return told || block
}

// own takes what a block says by itself: its code, or that it is there or not.
func (s *Sperren) own(name string, e *xmlguard.Element) (told bool) {
	code := e.Value("grund", "code")
	if code == "" {
		code = e.Value("code")
	}
	switch {
	case e.Value() == "false":
	case strings.Contains(name, "bedingtersperrvermerk"):
		s.BedingterSperrvermerk = true
	case code != "":
		s.add(code)
	default:
		return false
	}
	return true
}

// mark takes a block of which only the name is known.
func (s *Sperren) mark(name string) {
	switch {
	case strings.Contains(name, "auskunft"), strings.Contains(name, "verringert"):
		s.Auskunftssperre = true
	case !slices.Contains(s.Uebermittlungssperren, unknownSperre):
		s.Uebermittlungssperren = append(s.Uebermittlungssperren, unknownSperre)
	}
}

// unknownSperre stands for the code of a block on transfer that tells none.
const unknownSperre = "unbekannt"

// Covers says whether s has every block of other.
func (s *Sperren) Covers(other *Sperren) bool {
	if other.none() {
		return true
	}
	return s != nil && (s.Auskunftssperre || !other.Auskunftssperre) &&
		(s.BedingterSperrvermerk || !other.BedingterSperrvermerk) &&
		!slices.ContainsFunc(other.Uebermittlungssperren, func(c string) bool { return !slices.Contains(s.Uebermittlungssperren, c) })
}

func (s *Sperren) add(code string) {
	switch {
	case !slices.Contains(uebermittlungssperren, code):
		s.Auskunftssperre = true
	case !slices.Contains(s.Uebermittlungssperren, code):
		s.Uebermittlungssperren = append(s.Uebermittlungssperren, code)
	}
}
