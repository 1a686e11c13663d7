package federation

import (
	"errors"
	"path"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/amtsbote/amtsbote/schemas"
)

// Load reads, checks and compiles the federation directory dir. All findings
// are reported at once, ordered by file, line and column; the federation is nil
// if any of them is an Error.
func Load(dir string, kinds Kinds) (*Federation, []Finding) {
	b := newBuilder(kinds)
	absolute, err := filepath.Abs(dir)
	if err != nil {
		absolute = dir
	}
	files := take(dir, b.findings)
	b.fed.Dir, b.fed.Digest = absolute, files.digest()
	b.schemas(files)
	b.top(files)
	each(b, files, "organisations", b.organisation)
	b.overlaps()
	each(b, files, "agreements", b.agreement)
	each(b, files, "adapters", b.adapter)
	b.sinks()
	b.clauses()
	found := b.sorted()
	if b.failed() {
		return nil, found
	}
	return b.fed, found
}

// builder makes a federation of its files, step by step.
type builder struct {
	*findings
	fed   *Federation
	kinds Kinds

	organisations map[string]*Organisation
	authorities   map[string]bool // of any organisation
	prefixes      []ownedPrefix
	mailboxAt     map[*Application]Pos
	agreements    map[string]*Agreement
	drafts        []*draft
	sinkOf        map[*Application]*Adapter
	unsure        map[*Application]bool // an adapter of theirs has findings
	refused       map[string]bool       // types whose own schema has findings
}

func newBuilder(kinds Kinds) *builder {
	return &builder{
		findings: &findings{}, kinds: kinds,
		fed:           &Federation{applications: map[string]*Application{}, clauses: map[clauseKey][]*Clause{}},
		organisations: map[string]*Organisation{}, authorities: map[string]bool{},
		mailboxAt: map[*Application]Pos{}, agreements: map[string]*Agreement{},
		sinkOf: map[*Application]*Adapter{}, unsure: map[*Application]bool{}, refused: map[string]bool{},
	}
}

// each decodes every file of a folder and gives it to take.
func each[T any](b *builder, files *snapshot, folder string, take func(file string, in *T)) {
	for _, name := range files.names(folder) {
		if in := decodeFile[T](b, name, files.files[name]); in != nil {
			take(name, in)
		}
	}
}

// decodeFile reads one file into a T; nil when it is no YAML mapping at all.
func decodeFile[T any](b *builder, name string, raw []byte) *T {
	r := reader{b.findings, name}
	root := r.parse(raw)
	if root == nil {
		return nil
	}
	d := &decoder{findings: b.findings}
	var in T
	if !d.expect(root, mapping) {
		return nil
	}
	d.object(root, reflect.ValueOf(&in).Elem())
	return &in
}

// schemas adds the directory's own namespace to the embedded schemas.
func (b *builder) schemas(files *snapshot) {
	embedded, err := schemas.Embedded()
	if err != nil {
		b.add(Pos{File: "schemas"}, SchemaRefused, schemas.CodeInternal, err.Error(), err.Error())
		embedded = &schemas.Registry{}
	}
	b.fed.Schemas = embedded
	if len(files.names("schemas")) == 0 {
		return
	}
	own, errs := embedded.With(folder{files, "schemas"})
	if own != nil {
		b.fed.Schemas = own
	}
	for _, err := range errs {
		b.schemaProblem(err)
	}
}

func (b *builder) schemaProblem(err error) {
	p, ok := errors.AsType[*schemas.Problem](err)
	if !ok {
		b.add(Pos{File: "schemas"}, SchemaRefused, schemas.CodeInternal, err.Error(), err.Error())
		return
	}
	code := SchemaRefused
	if p.Code == schemas.CodeTaken {
		code = SchemaTaken
	}
	typ, _, _ := strings.Cut(p.File, "/")
	b.refused[typ] = true
	b.add(Pos{path.Join("schemas", p.File), p.Line, p.Column}, code, p.Code, p.De, p.En)
}

// top reads federation.yaml.
func (b *builder) top(files *snapshot) {
	for _, name := range []string{"federation.yaml", "federation.yml"} {
		raw, ok := files.files[name]
		if !ok {
			continue
		}
		if in := decodeFile[federationFile](b, name, raw); in != nil {
			b.federation(in)
		}
	}
}

func (b *builder) federation(in *federationFile) {
	b.fed.Name = in.Name.Value
	b.fed.Production = in.Environment.Value == "production"
	if e := in.Environment; e.Value != "" && e.Value != "test" && !b.fed.Production {
		b.add(e.At, YAMLValue, "test | production")
	}
	for _, s := range in.Simulators {
		b.simulator(s)
	}
}
