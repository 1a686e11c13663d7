// Package strictyaml reads the YAML of the federation directory: one document of
// plain mappings, lists and scalars, every value with its place. Whatever is
// unknown, given twice or of another type is a finding with file, line and
// column, and reading goes on after it.
package strictyaml

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// Limits of a file beyond its size.
const (
	maxLevels = 32
	maxKeys   = 1000 // of one mapping
)

// Kind of a node.
type Kind string

// The kinds.
const (
	Null     Kind = "null"
	Boolean  Kind = "boolean"
	Integer  Kind = "integer"
	Float    Kind = "float"
	String   Kind = "string"
	Mapping  Kind = "mapping"
	Sequence Kind = "sequence"
	// broken stands for a value that has its finding already.
	broken Kind = "broken"
)

// kindNames say what a kind is to people.
var kindNames = map[Kind]finding.Message{
	Null: {De: "nichts", En: "nothing"}, Boolean: {De: "true oder false", En: "true or false"},
	Integer: {De: "eine ganze Zahl", En: "a whole number"}, Float: {De: "eine Kommazahl", En: "a decimal number"},
	String:  {De: "ein Text", En: "a text"},
	Mapping: {De: "eine Zuordnung (Schlüssel: Wert)", En: "a mapping (key: value)"}, Sequence: {De: "eine Liste", En: "a list"},
}

// Node is a YAML value that knows where it stands.
type Node struct {
	Kind  Kind
	Text  string // of a scalar
	At    finding.Pos
	Keys  []Entry // of a mapping, in their order
	Items []*Node // of a sequence
}

// Entry is a key of a mapping with its value.
type Entry struct {
	Key   string
	At    finding.Pos
	Value *Node
}

// Get finds the value of a key of a mapping; nil if there is none.
func (n *Node) Get(key string) *Node {
	for _, e := range n.Keys {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Parse reads a YAML file of one document into nodes and adds what is wrong to
// found; nil when it cannot be read at all. An empty file is an empty mapping.
func Parse(found *finding.List, file string, raw []byte) *Node {
	r := reader{List: found, file: file}
	return r.parse(raw)
}

// reader makes nodes of one file.
type reader struct {
	*finding.List
	file      string
	forbidden int
}

func (r *reader) parse(raw []byte) (root *Node) {
	at := finding.Pos{File: r.file, Line: 1, Column: 1}
	defer func() {
		if v := recover(); v != nil {
			r.Add(at, finding.YAMLSyntax, "?")
			root = nil
		}
	}()
	if !utf8.Valid(raw) {
		r.Add(at, finding.YAMLSyntax, "UTF-8")
		return nil
	}
	if where, deep := tooDeep(raw); deep {
		where.File = r.file
		r.Add(where, finding.YAMLForbidden, maxLevels, maxKeys)
		return nil
	}
	var documents []yaml.Node
	if err := yaml.Load(raw, &documents, yaml.WithAllDocuments()); err != nil {
		r.syntax(err)
		return nil
	}
	return r.document(documents, at)
}

func (r *reader) document(documents []yaml.Node, at finding.Pos) *Node {
	switch {
	case len(documents) > 1:
		r.Add(at, finding.YAMLForbidden, maxLevels, maxKeys)
		return nil
	case len(documents) == 0 || len(documents[0].Content) == 0:
		return &Node{Kind: Mapping, At: at}
	}
	n := documents[0].Content[0]
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && n.Value == "" {
		return &Node{Kind: Mapping, At: at} // comments only
	}
	return r.node(n, 0)
}

func (r *reader) syntax(err error) {
	at := finding.Pos{File: r.file, Line: 1, Column: 1}
	message := "?"
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		message = e.Message
		if e.ContextMsg != "" {
			message += " (" + e.ContextMsg + ")"
		}
		at.Line, at.Column = max(e.Mark.Line, 1), max(e.Mark.Column, 1)
	}
	r.Add(at, finding.YAMLSyntax, message)
}

func (r *reader) pos(n *yaml.Node) finding.Pos {
	return finding.Pos{File: r.file, Line: max(n.Line, 1), Column: max(n.Column, 1)}
}

// maxForbidden of one file are reported; the rest reads the same.
const maxForbidden = 20

func (r *reader) forbid(n *yaml.Node) {
	if r.forbidden++; r.forbidden > maxForbidden {
		return
	}
	r.Add(r.pos(n), finding.YAMLForbidden, maxLevels, maxKeys)
}

// node converts; nil after a finding.
func (r *reader) node(n *yaml.Node, level int) *Node {
	if level > maxLevels || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		r.forbid(n)
		return nil
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return r.scalar(n)
	case yaml.MappingNode:
		return r.mapping(n, level)
	case yaml.SequenceNode:
		out := &Node{Kind: Sequence, At: r.pos(n)}
		for _, item := range n.Content {
			if v := r.node(item, level+1); v != nil {
				out.Items = append(out.Items, v)
			}
		}
		return out
	}
	r.forbid(n) // an alias
	return nil
}

// hidden finds characters in a text or key that a reader does not see: what is
// approved must be what is read. Tabs and line breaks are no secret.
func (r *reader) hidden(n *yaml.Node) bool {
	at := strings.IndexFunc(n.Value, func(c rune) bool {
		return finding.Hidden(c) && c != '\t' && c != '\n' && c != '\r'
	})
	if at < 0 {
		return false
	}
	c, _ := utf8.DecodeRuneInString(n.Value[at:])
	r.Add(r.pos(n), finding.YAMLHidden, finding.Number(c))
	return true
}

// scalar: a timestamp is a text.
func (r *reader) scalar(n *yaml.Node) *Node {
	out := &Node{Text: n.Value, At: r.pos(n)}
	if r.hidden(n) {
		return &Node{Kind: broken, At: out.At}
	}
	switch n.ShortTag() {
	case "!!null":
		out.Kind = Null
	case "!!bool":
		out.Kind = Boolean
	case "!!int":
		i, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 64)
		if err != nil {
			r.Add(out.At, finding.YAMLValue, fmt.Sprintf("%d … %d", math.MinInt64, math.MaxInt64))
			return nil
		}
		out.Kind, out.Text = Integer, strconv.FormatInt(i, 10)
	case "!!float":
		if _, err := strconv.ParseFloat(n.Value, 64); err != nil {
			r.Add(out.At, finding.YAMLValue, finding.Message{De: "eine Zahl", En: "a number"})
			return nil
		}
		out.Kind = Float
	case "!!str", "!!timestamp":
		out.Kind = String
	default:
		r.forbid(n)
		return nil
	}
	return out
}

func (r *reader) mapping(n *yaml.Node, level int) *Node {
	out := &Node{Kind: Mapping, At: r.pos(n), Keys: make([]Entry, 0, len(n.Content)/2)}
	if len(n.Content)/2 > maxKeys {
		r.forbid(n)
		return nil
	}
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, at := n.Content[i], r.pos(n.Content[i])
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0 {
			r.forbid(key)
			continue
		}
		if r.hidden(key) {
			continue
		}
		if first := lines[key.Value]; first > 0 {
			r.Add(at, finding.YAMLTwice, key.Value, first)
			continue
		}
		lines[key.Value] = at.Line
		value := r.node(n.Content[i+1], level+1)
		if value == nil {
			value = &Node{Kind: broken, At: at}
		}
		out.Keys = append(out.Keys, Entry{key.Value, at, value})
	}
	return out
}

// tooDeep finds nesting that no file needs before the parser sees it: brackets
// and braces, and dashes on one line. Quoted ones count too; that many belong
// into no file either.
func tooDeep(raw []byte) (at finding.Pos, deep bool) {
	at = finding.Pos{Line: 1, Column: 1}
	depth, dashes := 0, 0
	for i, c := range raw {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case '-', '?':
			if i+1 < len(raw) && raw[i+1] == ' ' {
				dashes++
			}
		case '\n', '\r':
			dashes = 0
			at.Line++
			at.Column = 0
		}
		if depth > maxLevels || dashes > maxLevels {
			return at, true
		}
		at.Column++
	}
	return at, false
}
