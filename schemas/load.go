package schemas

import (
	"io/fs"
	"path"
	"strings"
)

// loader reads a schema directory:
//
//	<type>/schema.json
//	<type>/valid/*.json
//	<type>/invalid/*.json
//	<type>/invalid.json     the expected violation of each, by file name
//	gemeinsam/<name>.json   shared parts
type loader struct {
	fsys     fs.FS
	examples bool
	into     *Registry
	errs     []error
}

func (l *loader) load() []error {
	entries, err := fs.ReadDir(l.fsys, ".")
	if err != nil {
		l.layout(".", "Der Ordner ist nicht lesbar.", "The folder cannot be read.")
		return l.errs
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() == "gemeinsam" {
			l.sharedParts()
		}
	}
	for _, e := range entries {
		switch {
		case e.IsDir() && typeName.MatchString(e.Name()):
			l.typ(e.Name())
		case e.IsDir() && e.Name() == "gemeinsam", !e.IsDir() && e.Name() == "README.md":
		default:
			l.layout(e.Name(), "Das gehört nicht in einen Schema-Ordner.", "This does not belong in a schema folder.")
		}
	}
	return l.errs
}

func (l *loader) sharedParts() {
	entries, _ := fs.ReadDir(l.fsys, "gemeinsam")
	for _, e := range entries {
		file := path.Join("gemeinsam", e.Name())
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || e.IsDir() || !markName.MatchString(name) {
			l.layout(file, "Hier stehen nur Dateien <name>.json.", "Only files <name>.json belong here.")
			continue
		}
		id := sharedPrefix + name
		if _, taken := l.into.shared[id]; taken {
			l.add(file, CodeTaken, "Das gemeinsame Teil gibt es schon.", "The shared part exists already.")
			continue
		}
		if d := l.document(id, file, true); d != nil {
			l.into.shared[id] = d
		}
	}
}

func (l *loader) document(id, file string, isShared bool) *document {
	raw, ok := l.read(file)
	if !ok {
		return nil
	}
	d, errs := read(id, file, raw, isShared)
	l.errs = append(l.errs, errs...)
	return d
}

func (l *loader) typ(name string) {
	file := path.Join(name, "schema.json")
	if _, taken := l.into.types[name]; taken {
		l.add(file, CodeTaken, "Den Ereignistyp gibt es schon an anderer Stelle.", "The event type has its schema elsewhere.")
		return
	}
	d := l.document(IDPrefix+name, file, false)
	if d == nil {
		return
	}
	s, errs := admit(name, d, l.into.shared)
	l.errs = append(l.errs, errs...)
	if s == nil {
		return
	}
	s.fsys = l.fsys
	l.into.types[name], l.into.byID[s.ID] = s, s
	if l.examples {
		l.errs = append(l.errs, checkExamples(l.fsys, s)...)
	}
	s.compiled.Store(nil) // most types are never asked for why
}

// read reads a regular file of bounded size.
func (l *loader) read(file string) ([]byte, bool) {
	raw, err := readFile(l.fsys, file)
	if err != nil {
		l.layout(file, "Die Datei fehlt, ist zu groß oder nicht lesbar.", "The file is missing, too large or cannot be read.")
		return nil, false
	}
	return raw, true
}

func readFile(fsys fs.FS, file string) ([]byte, error) {
	info, err := fs.Stat(fsys, file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxBytes {
		return nil, fs.ErrInvalid
	}
	return fs.ReadFile(fsys, file)
}

func (l *loader) layout(file, de, en string) { l.add(file, CodeLayout, de, en) }

func (l *loader) add(file, code, de, en string) {
	l.errs = append(l.errs, &Problem{Code: code, File: file, De: de, En: en})
}
