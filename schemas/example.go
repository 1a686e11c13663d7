package schemas

import (
	"encoding/json"
	"io/fs"
	"path"
	"strings"
)

// Each schema shows at least so many examples.
const (
	minValid   = 2
	minInvalid = 3
)

// checkExamples validates the examples of s: the valid ones pass, each invalid
// one breaks exactly the one rule that invalid.json names for it.
func checkExamples(fsys fs.FS, s *Schema) []error {
	e := &exampleCheck{fsys: fsys, schema: s, p: &problems{file: s.Type}}
	e.layout()
	e.valid()
	e.invalid()
	return e.p.list
}

type exampleCheck struct {
	fsys   fs.FS
	schema *Schema
	p      *problems
}

func (e *exampleCheck) layout() {
	entries, _ := fs.ReadDir(e.fsys, e.schema.Type)
	for _, f := range entries {
		switch f.Name() {
		case "schema.json", "valid", "invalid", "invalid.json", "README.md":
		default:
			e.fail(f.Name(), CodeLayout, "Das gehört nicht in den Ordner eines Ereignistyps.", "This does not belong in the folder of an event type.")
		}
	}
}

func (e *exampleCheck) valid() {
	names := e.list("valid", minValid)
	for _, name := range names {
		doc, ok := e.read(path.Join("valid", name))
		if !ok {
			continue
		}
		for _, v := range e.schema.Validate(doc) {
			e.fail(path.Join("valid", name), CodeExample, "Das gültige Beispiel ist ungültig: "+v.Keyword+" bei "+v.Pointer+".", "The valid example is invalid: "+v.Keyword+" at "+v.Pointer+".")
		}
	}
}

func (e *exampleCheck) invalid() {
	expect := e.index()
	for _, name := range e.list("invalid", minInvalid) {
		want, named := expect[name]
		delete(expect, name)
		doc, ok := e.read(path.Join("invalid", name))
		if !ok {
			continue
		}
		got := e.schema.Validate(doc)
		switch {
		case !named:
			e.fail("invalid.json", CodeExample, "Für "+name+" steht hier nicht, warum es ungültig ist.", "It does not say why "+name+" is invalid.")
		case len(got) != 1 || got[0] != want:
			e.fail(path.Join("invalid", name), CodeExample, "Das Beispiel verletzt nicht genau "+want.Keyword+" bei "+want.Pointer+".", "The example does not break just "+want.Keyword+" at "+want.Pointer+".")
		}
	}
	for _, name := range sorted(expect) {
		e.fail("invalid.json", CodeExample, "Das Beispiel "+name+" fehlt.", "The example "+name+" is missing.")
	}
}

// index reads invalid.json.
func (e *exampleCheck) index() map[string]Violation {
	raw, err := readFile(e.fsys, path.Join(e.schema.Type, "invalid.json"))
	out := map[string]Violation{}
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		e.fail("invalid.json", CodeExample, "Die Datei fehlt oder ist nicht lesbar.", "The file is missing or cannot be read.")
	}
	return out
}

func (e *exampleCheck) list(folder string, least int) []string {
	entries, _ := fs.ReadDir(e.fsys, path.Join(e.schema.Type, folder))
	var names []string
	for _, f := range entries {
		if f.IsDir() || !strings.HasSuffix(f.Name(), ".json") {
			e.fail(path.Join(folder, f.Name()), CodeLayout, "Hier stehen nur Beispiele (.json).", "Only examples (.json) belong here.")
			continue
		}
		names = append(names, f.Name())
	}
	if len(names) < least {
		e.fail(folder, CodeExample, "Zu wenige Beispiele (mindestens "+itoa(least)+").", "Too few examples (at least "+itoa(least)+").")
	}
	return names
}

func (e *exampleCheck) read(name string) (any, bool) {
	raw, err := readFile(e.fsys, path.Join(e.schema.Type, name))
	var doc any
	if err == nil {
		doc, err = decode(raw)
	}
	if err != nil {
		e.fail(name, CodeExample, "Das Beispiel ist nicht lesbar.", "The example cannot be read.")
	}
	return doc, err == nil
}

func (e *exampleCheck) fail(name, code, de, en string) {
	e.p.list = append(e.p.list, &Problem{Code: code, File: path.Join(e.schema.Type, name), De: de, En: en})
}
