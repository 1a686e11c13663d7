package georeport

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Fields are those of one entry of a list, by their name; below an object or a list
// by a path with dots: extended_attributes.markaspot.status_notes.0.status_note. What
// is null or empty is not there.
type Fields map[string]string

// Bounds of one entry.
const (
	maxFields = 500
	maxDepth  = 8
)

// First gives the first of the paths that is there, "" when none is. A path may
// have * for the last number of a list.
func (f Fields) First(paths ...string) string {
	for _, p := range paths {
		before, after, list := strings.Cut(p, "*")
		if !list {
			if f[p] != "" {
				return f[p]
			}
			continue
		}
		for n := f.length(before) - 1; n >= 0; n-- {
			if v := f[before+strconv.Itoa(n)+after]; v != "" {
				return v
			}
		}
		// XML does not tell a list of one from what is no list.
		if v := f[strings.TrimSuffix(before, ".")+after]; v != "" {
			return v
		}
	}
	return ""
}

// length of the list whose entries begin with prefix and a number.
func (f Fields) length(prefix string) int {
	most := 0
	for name := range f {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); err == nil && n < maxFields {
			most = max(most, n+1)
		}
	}
	return most
}

// flatten adds a JSON value; false when it is too much.
func (f Fields) flatten(path string, v any, depth int) bool {
	if depth > maxDepth || len(f) > maxFields {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if !f.flatten(below(path, name), inner, depth+1) {
				return false
			}
		}
	case []any:
		if len(v) == 1 { // FixMyStreet of old has each value in a list of its own
			f.single(path, v[0])
		}
		for i, inner := range v {
			if !f.flatten(below(path, strconv.Itoa(i)), inner, depth+1) {
				return false
			}
		}
	case json.Number:
		f.set(path, v.String())
	case string:
		f.set(path, v)
	case bool:
		f.set(path, strconv.FormatBool(v))
	}
	return true
}

func (f Fields) single(path string, v any) {
	switch v.(type) {
	case json.Number, string, bool:
		f.flatten(path, v, 0)
	}
}

// element adds the children of an XML element; a name that comes again is a list.
func (f Fields) element(path string, e *xmlguard.Element, depth int) bool {
	if depth > maxDepth || len(f) > maxFields {
		return false
	}
	if len(e.Children) == 0 {
		f.set(path, e.Text)
		return true
	}
	count, seen := map[string]int{}, map[string]int{}
	for _, c := range e.Children {
		count[plainName(c.Local)]++
	}
	for _, c := range e.Children {
		name := plainName(c.Local)
		at := below(path, name)
		if count[name] > 1 {
			at = below(at, strconv.Itoa(seen[name]))
			seen[name]++
		}
		if !f.element(at, c, depth+1) {
			return false
		}
	}
	return true
}

func (f Fields) set(path, v string) {
	if v = strings.TrimSpace(v); v != "" {
		f[path] = v
	}
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
