// Package federation reads, checks and compiles the federation directory
// (Verbundverzeichnis): organisations, applications, agreements, adapters and
// the directory's own event schemas.
package federation

import "github.com/amtsbote/amtsbote/schemas"

// Federation is a compiled federation directory. It does not change once made.
type Federation struct {
	Dir        string // absolute
	Name       string
	Production bool
	// Digest names this version: "sha256:" and the digest over the paths and
	// bytes of all files.
	Digest string

	Organisations []*Organisation
	Agreements    []*Agreement
	Adapters      []*Adapter
	Simulators    []*Simulator
	Schemas       *schemas.Registry

	applications map[string]*Application
	clauses      map[clauseKey][]*Clause
}

type clauseKey struct{ application, typ string }

// Application finds an application by its id, <organisation>.<application>.
func (f *Federation) Application(id string) (*Application, bool) {
	a, ok := f.applications[id]
	return a, ok
}

// Clauses gives every clause under which events of a type that an application
// sends may go to a receiver, in force or not, ordered by agreement and
// receiver. The slice is shared: do not change it.
func (f *Federation) Clauses(application, typ string) []*Clause {
	return f.clauses[clauseKey{application, typ}]
}
