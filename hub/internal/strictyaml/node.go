// Package strictyaml reads the YAML of the federation directory: one document of
// plain mappings, lists and scalars, every value with its place. Whatever is
// unknown, given twice or of another type is a finding with file, line and
// column, and reading goes on after it.
package strictyaml

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// Limits of a YAML file: the parser's cost grows with their square.
const (
	maxLevels = 32
	maxKeys   = 1000 // of one block mapping
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

// reader makes nodes of one file.
type reader struct {
	*finding.List
	file string
}

// Parse reads a YAML file of one document into nodes and adds what is wrong to
// found; nil when it cannot be read at all. An empty file is an empty mapping.
func Parse(found *finding.List, file string, raw []byte) *Node {
	r := reader{found, file}
	return r.parse(raw)
}

// parse reads a YAML file of one document; nil when it cannot be read at all.
// An empty file is an empty mapping.
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
	tokens := lexer.Tokenize(string(raw))
	if where, ok := heavy(tokens); ok {
		r.forbid(where)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil
	}
	return r.document(file, at)
}

func (r *reader) document(file *ast.File, at finding.Pos) *Node {
	empty := &Node{Kind: Mapping, At: at}
	switch {
	case len(file.Docs) > 1:
		r.Add(at, finding.YAMLForbidden, maxLevels, maxKeys)
		return nil
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return empty
	}
	return r.node(file.Docs[0].Body, 0)
}

func (r *reader) syntax(err error) {
	at := finding.Pos{File: r.file, Line: 1, Column: 1}
	message := "?"
	if e, ok := errors.AsType[yaml.Error](err); ok {
		message = e.GetMessage()
		if t := e.GetToken(); t != nil {
			at = r.pos(t)
		}
	}
	r.Add(at, finding.YAMLSyntax, message)
}

func (r *reader) pos(t *token.Token) finding.Pos {
	return finding.Pos{File: r.file, Line: max(t.Position.Line, 1), Column: max(t.Position.Column, 1)}
}

func (r *reader) forbid(t *token.Token) { r.Add(r.pos(t), finding.YAMLForbidden, maxLevels, maxKeys) }

// node converts; nil after a finding.
func (r *reader) node(n ast.Node, level int) *Node {
	if level > maxLevels {
		r.forbid(n.GetToken())
		return nil
	}
	at := r.pos(n.GetToken())
	switch n := n.(type) {
	case *ast.NullNode:
		return &Node{Kind: Null, At: at}
	case *ast.BoolNode:
		return &Node{Kind: Boolean, Text: n.GetToken().Value, At: at}
	case *ast.IntegerNode:
		return &Node{Kind: Integer, Text: fmt.Sprint(n.Value), At: at}
	case *ast.FloatNode:
		return &Node{Kind: Float, Text: n.GetToken().Value, At: at}
	case *ast.StringNode:
		return &Node{Kind: String, Text: n.Value, At: at}
	case *ast.LiteralNode:
		return &Node{Kind: String, Text: n.Value.Value, At: at}
	case *ast.MappingNode:
		return r.mapping(n, level)
	case *ast.SequenceNode:
		out := &Node{Kind: Sequence, At: at}
		for _, item := range n.Values {
			if v := r.node(item, level+1); v != nil {
				out.Items = append(out.Items, v)
			}
		}
		return out
	}
	r.forbid(n.GetToken()) // anchor, alias, tag, infinity …
	return nil
}

func (r *reader) mapping(n *ast.MappingNode, level int) *Node {
	out := &Node{Kind: Mapping, At: r.pos(n.GetToken())}
	if !n.IsFlowStyle && len(n.Values) > 0 {
		out.At = r.pos(n.Values[0].Key.GetToken())
	}
	lines := make(map[string]int, len(n.Values))
	for _, v := range n.Values {
		at := r.pos(v.Key.GetToken())
		key, ok := v.Key.(*ast.StringNode)
		if !ok || v.Key.IsMergeKey() {
			r.forbid(v.Key.GetToken())
			continue
		}
		if first := lines[key.Value]; first > 0 {
			r.Add(at, finding.YAMLTwice, key.Value, first)
			continue
		}
		lines[key.Value] = at.Line
		value := r.node(v.Value, level+1)
		if value != nil {
			out.Keys = append(out.Keys, Entry{key.Value, at, value})
		} else {
			out.Keys = append(out.Keys, Entry{key.Value, at, &Node{Kind: broken, At: at}})
		}
	}
	return out
}

// heavy finds what would make the parser slow: deep nesting, very long block
// mappings, explicit keys.
func heavy(tokens token.Tokens) (*token.Token, bool) {
	depth, line, dashes := 0, 0, 0
	keys := map[int]int{} // by column
	for _, t := range tokens {
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.MappingKeyType: // "? key", which nobody needs
			return t, true
		case token.SequenceEntryType:
			dashes++
			forget(keys, t.Position.Column)
		case token.MappingValueType:
			if depth == 0 && t.Prev != nil {
				column := t.Prev.Position.Column
				forget(keys, column)
				keys[column]++
				if keys[column] > maxKeys {
					return t, true
				}
			}
		}
		if depth+dashes > maxLevels {
			return t, true
		}
	}
	return nil, false
}

// forget drops the counts of mappings that ended: those further right.
func forget(keys map[int]int, column int) {
	for c := range keys {
		if c > column {
			delete(keys, c)
		}
	}
}
