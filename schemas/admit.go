package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/amtsbote/amtsbote/schemas/accepter"
)

var typeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+\.v[1-9][0-9]{0,2}$`)

// maxSperren bounds Blocked, which looks through the data once for each mark.
const maxSperren = 100

// Admit takes one schema by itself: rules, references, marks; not its examples.
// file is named in problems, each a *Problem. References may lead to r's shared
// parts.
func (r *Registry) Admit(typ, file string, raw []byte) (*Schema, []error) {
	d, errs := read(IDPrefix+typ, file, raw, false)
	if errs != nil {
		return nil, errs
	}
	return admit(typ, d, r.shared)
}

func admit(typ string, d *document, shared map[string]*document) (*Schema, []error) {
	p := &problems{file: d.file, raw: d.raw}
	res := resolver{root: d.root, shared: shared, p: p}
	s := &Schema{Type: typ, ID: d.id, Raw: d.raw}
	s.resolved = res.resolve(d.root, "", nil)
	if de, en, limit := res.dear(); de != "" {
		p.at("", CodeCost, de, en, limit)
	}
	if len(p.list) > 0 {
		return nil, p.list
	}
	s.texts()
	s.marks(p)
	if len(s.Sperren) > maxSperren {
		p.at("", CodeCost, "Das Schema hat mehr als %d Sperren.", "The schema has more than %d block marks.", maxSperren)
	}
	if len(p.list) > 0 {
		return nil, p.list
	}
	if _, err := s.validator(); err != nil {
		p.at("", CodeMeta, "Das Schema lässt sich nicht übersetzen.", "The schema does not compile.")
		return nil, p.list
	}
	s.load = loadOf(s.resolved)
	s.accepter, s.short = accepter.Compile(s.resolved), short(s.load)
	s.keepMarked()
	s.keepSearchable()
	return s, nil
}

// validator gives the schema as jsonschema v5 has compiled it. It is made anew when it was
// let go of: what the accepter accepts needs none, and one holds up to megabytes, for the
// regular expressions.
func (s *Schema) validator() (*jsonschema.Schema, error) {
	if v := s.compiled.Load(); v != nil {
		return v, nil
	}
	s.compiling.Lock()
	defer s.compiling.Unlock()
	if v := s.compiled.Load(); v != nil {
		return v, nil
	}
	v, err := compile(s.ID, s.resolved)
	if err == nil {
		s.compiled.Store(v)
	}
	return v, err
}

// compile makes a validator of a schema without references. Nothing is loaded
// from anywhere: the library would open file: and http: references itself.
func compile(id string, root map[string]any) (_ *jsonschema.Schema, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("compile schema: %v", v)
		}
	}()
	raw, err := json.Marshal(renamed(root))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	c.AssertFormat = true
	c.RegisterExtension(uniqueKeyword, nil, unique{})
	c.LoadURL = func(url string) (io.ReadCloser, error) {
		return nil, fmt.Errorf("reference to %s refused", strings.ToValidUTF8(url, "?"))
	}
	if err := c.AddResource(id, bytes.NewReader(raw)); err != nil {
		return nil, err
	}
	return c.Compile(id)
}
