package schemas

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path"
	"strings"
)

// Example is a file below valid or invalid of an event type's folder.
type Example struct {
	Name string // of the file, without .json
	Raw  []byte // indented JSON
	// Broken is the one rule that an invalid example breaks; zero for a valid one.
	Broken Violation
}

// Valid tells whether the example is one of data that the schema lets pass.
func (e *Example) Valid() bool { return e.Broken == Violation{} }

// Examples gives the type's examples, the valid ones first. One that cannot be read is
// left out; admitting the schema has told of it.
func (s *Schema) Examples() []Example {
	if s.fsys == nil { // a schema that was admitted by itself
		return nil
	}
	e := &exampleCheck{fsys: s.fsys, schema: s, p: &problems{}}
	out := s.examples("valid", nil)
	return append(out, s.examples("invalid", e.index())...)
}

func (s *Schema) examples(folder string, broken map[string]Violation) (out []Example) {
	entries, _ := fs.ReadDir(s.fsys, path.Join(s.Type, folder))
	for _, f := range entries {
		name, is := strings.CutSuffix(f.Name(), ".json")
		raw, err := readFile(s.fsys, path.Join(s.Type, folder, f.Name()))
		var pretty bytes.Buffer
		if !is || err != nil || json.Indent(&pretty, raw, "", "  ") != nil {
			continue
		}
		out = append(out, Example{Name: name, Raw: pretty.Bytes(), Broken: broken[f.Name()]})
	}
	return out
}
