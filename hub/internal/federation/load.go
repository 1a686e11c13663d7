package federation

import (
	"errors"
	"maps"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/recht"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
	"github.com/amtsbote/amtsbote/hub/internal/where"
	"github.com/amtsbote/amtsbote/schemas"
)

// Load reads, checks and compiles the federation directory dir. All findings
// are reported at once, ordered by file, line and column; the federation is nil
// if any of them is an Error.
func Load(dir string, kinds Kinds) (*Federation, []finding.Finding) {
	return load(dir, kinds, time.Now())
}

func load(dir string, kinds Kinds, now time.Time) (*Federation, []finding.Finding) {
	b := newBuilder(kinds, now)
	files := take(dir, b.List)
	b.fed.Dir = dir
	if absolute, err := filepath.Abs(dir); err == nil {
		b.fed.Dir = absolute
	}
	return b.build(files)
}

// build compiles the files of a directory.
func (b *builder) build(files *snapshot) (*Federation, []finding.Finding) {
	b.fed.files, b.fed.Digest = files, files.digest()
	b.schemas(files)
	b.recht(files)
	b.top(files)
	each(b, files, "organisations", readPlain[organisationFile], b.organisation)
	b.overlaps()
	b.unitsOfUnits()
	b.receipts()
	b.consoleGrants()
	b.secretsOfOthers()
	each(b, files, "groups", readPlain[groupFile], b.group)
	each(b, files, "agreements", readAgreement, b.agreementOrExample)
	b.mayOverlap()
	b.fed.sortClauses()
	each(b, files, "adapters", readPlain[adapterFile], b.adapter)
	b.sinks()
	found := b.Sorted()
	if b.Failed() {
		return nil, found
	}
	return b.fed, found
}

// builder makes a federation of its files, step by step.
type builder struct {
	*finding.List
	fed   *Federation
	kinds Kinds
	now   time.Time
	// lenient: a missing approval is no error, not even in production.
	lenient bool

	organisations map[string]*Organisation
	authorities   map[string]bool // of any organisation
	unitAt        map[string]unitPlace
	prefixes      []ownedPrefix
	identities    []identity
	mailboxAt     map[*Application]finding.Pos
	appAt         map[*Application]finding.Pos
	receiptsOf    []receiptsWish
	envsOf        []envWish
	consoleOf     []consoleFile
	groups        map[string]*Group
	agreements    map[string]*Agreement
	textOf        map[*Agreement][32]byte // digest of what it says, approvals apart
	plans         map[string]*plan
	wheres        map[string]*where.Expression
	fields        map[*schemas.Schema][]schemas.Field
	ways          map[way][]*Agreement
	paths         map[string][]passage // by type, those without groups
	groupPaths    map[string][]passage // by type, those with
	warned        map[*Application]bool
	sinkOf        map[*Application]*Adapter
	unsure        map[*Application]bool // an adapter of theirs has findings
	refused       map[string]bool       // types whose own schema has findings
}

func newBuilder(kinds Kinds, now time.Time) *builder {
	return &builder{
		List: &finding.List{}, kinds: kinds, now: now,
		fed: &Federation{
			applications: map[string]*Application{}, owners: map[string]*Application{}, units: map[string]string{},
			clauses: map[clauseKey]*clauseSet{}, Laws: recht.List{},
		},
		organisations: map[string]*Organisation{}, authorities: map[string]bool{}, unitAt: map[string]unitPlace{},
		mailboxAt: map[*Application]finding.Pos{}, appAt: map[*Application]finding.Pos{},
		groups: map[string]*Group{}, agreements: map[string]*Agreement{}, textOf: map[*Agreement][32]byte{},
		plans: map[string]*plan{}, wheres: map[string]*where.Expression{}, fields: map[*schemas.Schema][]schemas.Field{},
		ways: map[way][]*Agreement{}, paths: map[string][]passage{}, groupPaths: map[string][]passage{}, warned: map[*Application]bool{},
		sinkOf: map[*Application]*Adapter{}, unsure: map[*Application]bool{}, refused: map[string]bool{},
	}
}

// agreementOrExample takes what lies in the folder agreements.
func (b *builder) agreementOrExample(file string, in *agreementsFile) {
	if in.example != nil {
		b.example(file, in.example)
		return
	}
	b.agreement(file, in.agreement)
}

// agreementsFile is a file of the folder agreements.
type agreementsFile struct {
	agreement *agreementFile
	example   *exampleFile
}

func readAgreement(found *finding.List, file string, raw []byte) *agreementsFile {
	root := strictyaml.Parse(found, file, raw)
	if root == nil {
		return nil
	}
	if isExample(file) {
		if in := strictyaml.ReadNode[exampleFile](found, root); in != nil {
			return &agreementsFile{example: in}
		}
		return nil
	}
	in := strictyaml.ReadNode[agreementFile](found, root)
	if in == nil {
		return nil
	}
	in.text = textDigest(root)
	return &agreementsFile{agreement: in}
}

func readPlain[T any](found *finding.List, file string, raw []byte) *T {
	return strictyaml.Read[T](found, file, raw)
}

// recht takes the list of laws and what the directory adds to it.
func (b *builder) recht(files *snapshot) {
	embedded, err := recht.Embedded()
	if err != nil {
		b.Add(finding.Pos{File: "recht"}, finding.SchemaRefused, schemas.CodeInternal, err.Error(), err.Error())
	}
	maps.Copy(b.fed.Laws, embedded)
	for _, name := range files.yaml("recht") {
		b.law(name, files.files[name])
	}
}

// schemas adds the directory's own namespace to the embedded schemas.
func (b *builder) schemas(files *snapshot) {
	embedded, err := schemas.Embedded()
	if err != nil {
		b.Add(finding.Pos{File: "schemas"}, finding.SchemaRefused, schemas.CodeInternal, err.Error(), err.Error())
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
		b.Add(finding.Pos{File: "schemas"}, finding.SchemaRefused, schemas.CodeInternal, err.Error(), err.Error())
		return
	}
	code := finding.SchemaRefused
	if p.Code == schemas.CodeTaken {
		code = finding.SchemaTaken
	}
	typ, _, _ := strings.Cut(p.File, "/")
	b.refused[typ] = true
	b.Add(finding.Pos{File: path.Join("schemas", p.File), Line: p.Line, Column: p.Column}, code, p.Code, p.De, p.En)
}

// top reads federation.yaml.
func (b *builder) top(files *snapshot) {
	for _, name := range []string{"federation.yaml", "federation.yml"} {
		raw, ok := files.files[name]
		if !ok {
			continue
		}
		if in := strictyaml.Read[federationFile](b.List, name, raw); in != nil {
			b.federation(in)
		}
	}
}

func (b *builder) federation(in *federationFile) {
	b.fed.Name = in.Name.Value
	b.fed.Production = in.Environment.Value == "production"
	if e := in.Environment; e.Value != "" && e.Value != "test" && !b.fed.Production {
		b.Add(e.At, finding.YAMLValue, "test | production")
	}
	b.origin(in.Origin)
	b.consoleOf = in.Console
	for _, s := range in.Simulators {
		b.simulator(s)
	}
}
