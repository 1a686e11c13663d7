package mapping

import (
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// Doc is an input, read and within the limits.
type Doc struct{ root node }

// node is a place in an input.
type node interface {
	// find gives what stands at the end of the steps; XML may have several.
	find(steps []step) []node
	// scalar gives the single value; ok is false for a list or an object.
	scalar() (s scalar, ok bool)
	// items gives the items of a list that stands at one place.
	items() (list []node, ok bool)
}

// kind of a single value.
type kind byte

const (
	text kind = iota
	number
	boolean
	nothing // null, or a text of white space only: as if it were not there
)

// scalar is a single value; its text is that of the input, without white space
// around it.
type scalar struct {
	kind kind
	text string
}

func textScalar(s string) scalar {
	s = strings.TrimSpace(s)
	if s == "" {
		return scalar{kind: nothing}
	}
	return scalar{text, s}
}

// Read reads a JSON or XML document, strictly. What is refused is a Permanent
// Fault: not-json, not-xml, too-large.
func (m *Mapping) Read(raw []byte) (Doc, error) {
	switch {
	case int64(len(raw)) > m.limits.Bytes:
		return Doc{}, hub.Permanent("too-large", "the document is larger than %d bytes", m.limits.Bytes)
	case m.format == XML:
		return readXML(raw, m.limits)
	}
	return readJSON(raw, m.limits)
}

// Row makes an input of a row of a CSV file: the column names, and the row's
// fields in the same order.
func Row(columns map[string]int, fields []string) Doc { return Doc{row{columns, fields}} }

type row struct {
	columns map[string]int
	fields  []string
}

func (r row) find(steps []step) []node {
	if i, there := r.columns[steps[0].name]; there && i < len(r.fields) {
		return []node{cell(r.fields[i])}
	}
	return nil
}

func (row) scalar() (scalar, bool) { return scalar{}, false }
func (row) items() ([]node, bool)  { return nil, false }

type cell string

func (cell) find([]step) []node       { return nil }
func (c cell) scalar() (scalar, bool) { return textScalar(string(c)), true }
func (cell) items() ([]node, bool)    { return nil, false }
