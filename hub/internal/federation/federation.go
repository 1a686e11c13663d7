// Package federation reads, checks and compiles the federation directory
// (Verbundverzeichnis): organisations, groups, laws, agreements, adapters,
// examples and the directory's own event schemas.
package federation

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/recht"
	"github.com/amtsbote/amtsbote/schemas"
)

// Federation is a compiled federation directory. It does not change once made.
type Federation struct {
	Dir        string // absolute
	Name       string
	Production bool
	// Origin is the DNS name under which the hub asks webhooks for consent; "" when
	// the directory does not say.
	Origin string
	// Digest names this version: "sha256:" and the digest over the paths and
	// bytes of all files, and over the schemas and laws of the program.
	Digest string

	Organisations []*Organisation
	Groups        []*Group
	Agreements    []*Agreement
	Adapters      []*Adapter
	Simulators    []*Simulator
	Console       []*ConsoleGrant // who may enter the console
	Examples      []*Example
	Schemas       *schemas.Registry
	Laws          recht.List

	files        *snapshot
	applications map[string]*Application
	withAccess   []*Application
	owners       map[string]*Application // by source prefix
	units        map[string]string       // administrative unit by authority, where it is another
	clauses      map[clauseKey]*clauseSet
}

// Application finds an application by its id, <organisation>.<application>.
func (f *Federation) Application(id string) (*Application, bool) {
	a, ok := f.applications[id]
	return a, ok
}

// Applications lists all applications, by organisation.
func (f *Federation) Applications() []*Application {
	out := make([]*Application, 0, len(f.applications))
	for _, o := range f.Organisations {
		out = append(out, o.Applications...)
	}
	return out
}

// Organisation finds an organisation by its id.
func (f *Federation) Organisation(id string) (*Organisation, bool) {
	for _, o := range f.Organisations {
		if o.ID == id {
			return o, true
		}
	}
	return nil, false
}

// Owner finds the application that owns an event source, and the authority that
// it then sends for.
func (f *Federation) Owner(source string) (a *Application, authority string, ok bool) {
	for end := len(source); end > 0; end = lastDelimiter(source[:end]) {
		if a := f.owners[source[:end]]; a != nil {
			authority, ok = a.Authority(source)
			return a, authority, ok
		}
	}
	return nil, "", false
}

// Unit is the administrative unit (Verwaltungseinheit) that an authority
// belongs to, by the key of its authority: the City of Munich for its
// Ausländerbehörde.
func (f *Federation) Unit(authority string) string {
	if u, ok := f.units[authority]; ok {
		return u
	}
	return authority
}

// Agreement finds an agreement by its id.
func (f *Federation) Agreement(id string) (*Agreement, bool) {
	for _, a := range f.Agreements {
		if a.ID == id {
			return a, true
		}
	}
	return nil, false
}

// Text is a file of the directory as it was read; nil when there is none.
func (f *Federation) Text(file string) []byte { return slices.Clone(f.files.files[file]) }
