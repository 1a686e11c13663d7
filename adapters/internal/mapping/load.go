package mapping

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/hub"
)

// maxFile bounds a mapping file and each file that it names; the federation
// directory has the same limit.
const maxFile = 1 << 20

// Load reads and compiles a mapping file of the federation directory dir. The
// error joins a *hub.Problem for each thing that is wrong; the examples are not
// run.
func Load(dir, name string) (*Mapping, error) {
	raw, err := readBelow(dir, name)
	if err != nil {
		return nil, err
	}
	known, err := knownFIM(dir)
	if err != nil {
		return nil, err
	}
	return parse(dir, name, raw, known)
}

// readBelow reads a file of the federation directory; links that lead out of it
// are not followed.
func readBelow(dir, name string) ([]byte, error) {
	problem := func(text string) error { return &hub.Problem{File: filepath.ToSlash(name), Text: text} }
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, problem("is not a path inside the federation directory")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the federation directory: %w", err)
	}
	defer root.Close() //nolint:errcheck // read only
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, problem("cannot be opened: is it there, may the hub read it?")
	}
	defer f.Close() //nolint:errcheck // read only
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, problem("cannot be read")
	case len(raw) > maxFile:
		return nil, problem("is larger than 1 MiB")
	}
	return raw, nil
}

// parse makes a Mapping of a file's text. It must not fail otherwise than with an
// error, whatever the text is.
func parse(dir, name string, raw []byte, known fimList) (m *Mapping, err error) {
	p := &problems{file: filepath.ToSlash(name)}
	defer func() {
		if recover() != nil { // the YAML library, on a text that nobody has met yet
			m, err = nil, &hub.Problem{File: p.file, Line: 1, Column: 1, Text: "is no YAML that can be read"}
		}
	}()
	in, root := decode(p, raw)
	if in == nil {
		return nil, p.joined()
	}
	p.root = root
	c := &compiler{problems: p, in: in, known: known}
	m = c.mapping()
	m.dir, m.file, m.root = dir, p.file, root
	if err := p.joined(); err != nil {
		return nil, err
	}
	return m, nil
}

func decode(p *problems, raw []byte) (*mappingFile, *yaml.Node) {
	if !utf8.Valid(raw) {
		p.add(1, 1, "is not UTF-8")
		return nil, nil
	}
	var root yaml.Node
	if err := yaml.Load(raw, &root); err != nil {
		p.yaml(err)
		return nil, nil
	}
	if aliased(&root) {
		p.add(1, 1, "has anchors or aliases, which a mapping must not have")
		return nil, nil
	}
	in := &mappingFile{}
	if err := yaml.Load(raw, in, yaml.WithKnownFields()); err != nil {
		p.yaml(err)
		return nil, nil
	}
	return in, &root
}

// aliased finds anchors and aliases: what is approved must be what is read.
func aliased(n *yaml.Node) bool {
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return true
	}
	for _, c := range n.Content {
		if aliased(c) {
			return true
		}
	}
	return false
}

// problems collects what is wrong with one file.
type problems struct {
	file string
	root *yaml.Node
	all  []error
}

func (p *problems) add(line, column int, format string, args ...any) {
	p.all = append(p.all, &hub.Problem{File: p.file, Line: line, Column: column, Text: fmt.Sprintf(format, args...)})
}

// at adds a problem at a key, given by the keys that lead to it; where one is not
// there, at the last that is.
func (p *problems) at(keys []string, format string, args ...any) {
	line, column := 1, 1
	n := p.root
	if n != nil && n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	for _, key := range keys {
		next, at := child(n, key)
		if next == nil {
			break
		}
		n, line, column = next, at.Line, at.Column
	}
	p.add(line, column, "%s: %s", strings.Join(keys, " "), fmt.Sprintf(format, args...))
}

// child gives the value of a key, or the item of a number, and where it stands.
func child(n *yaml.Node, key string) (value, at *yaml.Node) {
	if n == nil {
		return nil, nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i+1], n.Content[i]
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if fmt.Sprint(i+1) == key {
				return item, item
			}
		}
	}
	return nil, nil
}

// yaml adds what the YAML library found.
func (p *problems) yaml(err error) {
	if many, ok := errors.AsType[*yaml.LoadErrors](err); ok {
		for _, one := range many.Errors {
			p.add(max(one.Mark.Line, 1), max(one.Mark.Column, 1), "%s", one.Message)
		}
		return
	}
	if one, ok := errors.AsType[*yaml.LoadError](err); ok {
		p.add(max(one.Mark.Line, 1), max(one.Mark.Column, 1), "%s", one.Message)
		return
	}
	p.add(1, 1, "%s", err.Error())
}

func (p *problems) joined() error { return errors.Join(p.all...) }
