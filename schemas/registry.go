package schemas

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

//go:embed de.* gemeinsam
var files embed.FS

// Registry holds schemas by type. It does not change once made.
type Registry struct {
	types  map[string]*Schema
	byID   map[string]*Schema
	shared map[string]*document // by $id
}

var embedded = sync.OnceValues(func() (*Registry, error) {
	r, errs := (&Registry{}).add(files, false)
	return r, errors.Join(errs...)
})

// Embedded gives the schemas that come with the program.
func Embedded() (*Registry, error) { return embedded() }

// With adds the schemas of a directory with the same layout. A type that r has
// already is a problem: a type's schema lives in exactly one place. All problems
// are reported, each a *Problem; the registry is nil if there is any. Examples
// are checked too.
func (r *Registry) With(fsys fs.FS) (*Registry, []error) { return r.add(fsys, true) }

func (r *Registry) add(fsys fs.FS, examples bool) (*Registry, []error) {
	l := &loader{fsys: fsys, examples: examples, into: r.copy()}
	if errs := l.load(); len(errs) > 0 {
		return nil, errs
	}
	return l.into, nil
}

func (r *Registry) copy() *Registry {
	c := &Registry{types: map[string]*Schema{}, byID: map[string]*Schema{}, shared: map[string]*document{}}
	for typ, s := range r.types {
		c.types[typ], c.byID[s.ID] = s, s
	}
	for id, d := range r.shared {
		c.shared[id] = d
	}
	return c
}

// Lookup finds the schema of an event type.
func (r *Registry) Lookup(typ string) (*Schema, bool) {
	s, ok := r.types[typ]
	return s, ok
}

// ByID finds a schema by its $id, the dataschema of events.
func (r *Registry) ByID(dataschema string) (*Schema, bool) {
	s, ok := r.byID[dataschema]
	return s, ok
}

// Types lists all types, sorted.
func (r *Registry) Types() []string { return sorted(r.types) }

// Digest names the schemas and laws that come with the program: the digest over
// the paths and bytes of all their files.
var Digest = sync.OnceValue(func() [sha256.Size]byte {
	h := sha256.New()
	for _, fsys := range []fs.FS{files, Recht()} {
		err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			raw, err := fs.ReadFile(fsys, name)
			fmt.Fprintf(h, "%s\x00%d\x00%s", name, len(raw), raw)
			return err
		})
		if err != nil {
			panic(err) // embedded
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
})
