package federation

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a YAML file: the parser's cost grows with their square.
const (
	maxLevels = 32
	maxKeys   = 1000 // of one block mapping
)

// kind of a node.
type kind string

const (
	null     kind = "null"
	boolean  kind = "boolean"
	integer  kind = "integer"
	float    kind = "float"
	text     kind = "string"
	mapping  kind = "mapping"
	sequence kind = "sequence"
)

// kindNames say what a kind is to people.
var kindNames = map[kind]Message{
	null: {"nichts", "nothing"}, boolean: {"true oder false", "true or false"},
	integer: {"eine ganze Zahl", "a whole number"}, float: {"eine Kommazahl", "a decimal number"},
	text:    {"ein Text", "a text"},
	mapping: {"eine Zuordnung (Schlüssel: Wert)", "a mapping (key: value)"}, sequence: {"eine Liste", "a list"},
}

// node is a YAML value that knows where it stands.
type node struct {
	kind  kind
	text  string // of a scalar
	at    Pos
	keys  []entry
	items []*node
}

type entry struct {
	key   string
	at    Pos
	value *node
}

// get finds the value of a key of a mapping; nil if there is none.
func (n *node) get(key string) *node {
	for _, e := range n.keys {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// reader makes nodes of one file.
type reader struct {
	*findings
	file string
}

// parse reads a YAML file of one document; nil when it cannot be read at all.
// An empty file is an empty mapping.
func (r *reader) parse(raw []byte) (root *node) {
	at := Pos{r.file, 1, 1}
	defer func() {
		if v := recover(); v != nil {
			r.add(at, YAMLSyntax, "?")
			root = nil
		}
	}()
	if !utf8.Valid(raw) {
		r.add(at, YAMLSyntax, "UTF-8")
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

func (r *reader) document(file *ast.File, at Pos) *node {
	empty := &node{kind: mapping, at: at}
	switch {
	case len(file.Docs) > 1:
		r.add(at, YAMLForbidden, maxLevels, maxKeys)
		return nil
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return empty
	}
	return r.node(file.Docs[0].Body, 0)
}

func (r *reader) syntax(err error) {
	at := Pos{r.file, 1, 1}
	message := "?"
	if e, ok := errors.AsType[yaml.Error](err); ok {
		message = e.GetMessage()
		if t := e.GetToken(); t != nil {
			at = r.pos(t)
		}
	}
	r.add(at, YAMLSyntax, message)
}

func (r *reader) pos(t *token.Token) Pos {
	return Pos{r.file, max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

func (r *reader) forbid(t *token.Token) { r.add(r.pos(t), YAMLForbidden, maxLevels, maxKeys) }

// node converts; nil after a finding.
func (r *reader) node(n ast.Node, level int) *node {
	if level > maxLevels {
		r.forbid(n.GetToken())
		return nil
	}
	at := r.pos(n.GetToken())
	switch n := n.(type) {
	case *ast.NullNode:
		return &node{kind: null, at: at}
	case *ast.BoolNode:
		return &node{kind: boolean, text: n.GetToken().Value, at: at}
	case *ast.IntegerNode:
		return &node{kind: integer, text: fmt.Sprint(n.Value), at: at}
	case *ast.FloatNode:
		return &node{kind: float, text: n.GetToken().Value, at: at}
	case *ast.StringNode:
		return &node{kind: text, text: n.Value, at: at}
	case *ast.LiteralNode:
		return &node{kind: text, text: n.Value.Value, at: at}
	case *ast.MappingNode:
		return r.mapping(n, level)
	case *ast.SequenceNode:
		out := &node{kind: sequence, at: at}
		for _, item := range n.Values {
			if v := r.node(item, level+1); v != nil {
				out.items = append(out.items, v)
			}
		}
		return out
	}
	r.forbid(n.GetToken()) // anchor, alias, tag, infinity …
	return nil
}

func (r *reader) mapping(n *ast.MappingNode, level int) *node {
	out := &node{kind: mapping, at: r.pos(n.GetToken())}
	if !n.IsFlowStyle && len(n.Values) > 0 {
		out.at = r.pos(n.Values[0].Key.GetToken())
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
			r.add(at, YAMLTwice, key.Value, first)
			continue
		}
		lines[key.Value] = at.Line
		value := r.node(v.Value, level+1)
		if value != nil {
			out.keys = append(out.keys, entry{key.Value, at, value})
		} else {
			out.keys = append(out.keys, entry{key.Value, at, &node{kind: broken, at: at}})
		}
	}
	return out
}

// broken stands for a value that has its finding already.
const broken kind = "broken"

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
