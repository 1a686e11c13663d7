// Package recht is the list of legal bases (Rechtsgrundlagen) under which
// agreements pass data on: the norms that come with the hub (schemas/recht) and
// those that a federation directory adds. An agreement names a norm by its key;
// the list says which transfers the norm covers.
package recht

import (
	"cmp"
	"slices"
	"strings"
)

// Transfer is the kind of transfer that a norm covers.
type Transfer string

// The kinds.
const (
	Any          Transfer = "any"           // the norm does not distinguish
	WithinUnit   Transfer = "within-unit"   // sender and receiver belong to one administrative unit (Verwaltungseinheit)
	BetweenUnits Transfer = "between-units" // to another administrative unit
)

// Law is one norm. What it says stands there in our own words; it is no legal
// advice.
type Law struct {
	Key            string // BMG-37
	Norm, Statute  string // § 37 BMG; Bundesmeldegesetz
	Title, TitleEn string
	Says, SaysEn   string
	// Checked is the day (2026-01-31) on which the entry was compared with the
	// wording; "" when it was not, and then Unchecked says what is missing.
	Checked, Unchecked string
	Transfer           Transfer
	// From and To name the offices (Behördenarten) that may send and receive;
	// empty is any.
	From, To []string
	// Fields lists, by event type, the JSON Pointers of the data that the norm
	// names; a type that is not in it is not limited.
	Fields map[string][]string
	// Transport that the norm prescribes; "" if none.
	Transport string
	// Blocks (x-sperre) that the norm lets pass with the mark.
	Blocks []string
}

// Covers tells whether the norm lets data go between two administrative units,
// given by the keys of their authorities.
func (l *Law) Covers(fromUnit, toUnit string) bool {
	switch l.Transfer {
	case WithinUnit:
		return fromUnit == toUnit
	case BetweenUnits:
		return fromUnit != toUnit
	}
	return true
}

// Admits tells whether the norm lets an event pass that has these blocks set.
func (l *Law) Admits(blocks []string) bool {
	for _, b := range blocks {
		if !slices.Contains(l.Blocks, b) {
			return false
		}
	}
	return true
}

// Names tells whether the norm names the field of an event type: it, or a
// parent of it, stands on the list. A type that is not on the list is not
// limited.
func (l *Law) Names(typ, pointer string) bool {
	list, limited := l.Fields[typ]
	return !limited || slices.ContainsFunc(list, func(p string) bool {
		return pointer == p || strings.HasPrefix(pointer, p+"/")
	})
}

// List holds the norms by key.
type List map[string]*Law

// Offices lists every office that a norm names, sorted.
func (l List) Offices() []string {
	var out []string
	for _, law := range l {
		out = append(append(out, law.From...), law.To...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Similar gives the keys of the same statute, else those that begin alike, for
// somebody who misspelt one; at most five.
func (l List) Similar(key string) []string {
	statute, _, _ := strings.Cut(key, "-")
	var out []string
	for k := range l {
		if s, _, _ := strings.Cut(k, "-"); strings.EqualFold(s, statute) || strings.HasPrefix(strings.ToLower(k), strings.ToLower(key)) {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(-cmp.Compare(alike(a, key), alike(b, key)), cmp.Compare(a, b))
	})
	return out[:min(len(out), 5)]
}

// alike counts the letters that two keys have in common at their beginning.
func alike(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
