package mapping

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/internal/csvrows"
)

// Mapping is a compiled mapping file. Its methods may be called concurrently.
type Mapping struct {
	dir, file string
	root      *yaml.Node
	format    string
	csv       csvrows.Format
	limits    Limits

	when          []condition
	typ           string
	id            []path
	idMeta        string
	idContent     bool
	caseKey       *rule
	correlationID *rule
	time          *rule
	ags           *rule
	data          []field
	columns       []string
	examples      []exampleFile
}

// condition says which inputs a mapping is for.
type condition struct {
	from path
	is   []string
}

// Format is json, xml or csv.
func (m *Mapping) Format() string { return m.format }

// Type is that of the events.
func (m *Mapping) Type() string { return m.typ }

// CSV says how the files of a mapping of CSV are written.
func (m *Mapping) CSV() csvrows.Format { return m.csv }

// Columns are those that the mapping reads, by name.
func (m *Mapping) Columns() []string { return m.columns }

// MetaID is the name of what comes beside the document that makes the event's
// id; "" when the id comes of the document.
func (m *Mapping) MetaID() string { return m.idMeta }

// MaxBytes is the size of the largest document.
func (m *Mapping) MaxBytes() int64 { return m.limits.Bytes }

var (
	typeForm = regexp.MustCompile(`^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+\.v[1-9][0-9]*$`)
	agsForm  = regexp.MustCompile(`^[0-9]{8}$`)
	caseForm = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)
)

// compiler makes a Mapping of a file and says what is wrong with it.
type compiler struct {
	*problems
	in    *mappingFile
	known fimList
	used  map[string]bool // columns
}

func (c *compiler) mapping() *Mapping {
	in := c.in
	c.used = map[string]bool{}
	m := &Mapping{format: in.Format, csv: in.CSV.OrDefaults(), limits: in.Limits.orDefaults(), typ: in.Type}
	if !slices.Contains([]string{JSON, XML, CSV}, in.Format) {
		c.at([]string{"format"}, "must be json, xml or csv")
		return m
	}
	if !typeForm.MatchString(in.Type) {
		c.at([]string{"type"}, "must be an event type like de.gebuehr.bezahlt.v1")
	}
	c.formatOf()
	c.limitsOf()
	for _, from := range slices.Sorted(maps.Keys(in.When)) {
		m.when = append(m.when, condition{c.path([]string{"when", from}, from, false), in.When[from]})
	}
	c.identity(m)
	m.caseKey = c.attribute("case", in.Case)
	m.correlationID = c.attribute("correlationid", in.CorrelationID)
	if in.Time != nil && in.Time.As == "" {
		in.Time.As = "date-time"
	}
	m.time = c.attribute("time", in.Time)
	m.ags = c.attribute("ags", in.AGS)
	if m.time != nil && in.Time.As != "date-time" {
		c.at([]string{"time", "as"}, "must be date-time")
	}
	m.data = c.fields([]string{"data"}, in.Data, false)
	m.columns = slices.Sorted(maps.Keys(c.used))
	m.examples = c.examples()
	return m
}

// formatOf judges what only one format has.
func (c *compiler) formatOf() {
	if c.in.Format == CSV {
		if key, why := c.in.CSV.OrDefaults().Problem(); why != "" {
			c.at([]string{"csv", key}, "%s", why)
		}
	} else if !c.in.CSV.IsZero() {
		c.at([]string{"csv"}, "belongs to format: csv")
	}
	if c.in.Format != XML && len(c.in.Namespaces) > 0 {
		c.at([]string{"namespaces"}, "belongs to format: xml")
	}
}

// most are the highest limits that a mapping may ask for.
var most = Limits{Bytes: 40 << 20, Depth: 256, Nodes: 2_000_000, Items: 100_000}

func (c *compiler) limitsOf() {
	l := c.in.Limits
	for _, one := range []struct {
		key        string
		given, top int64
	}{
		{"bytes", l.Bytes, most.Bytes},
		{"depth", int64(l.Depth), int64(most.Depth)},
		{"nodes", int64(l.Nodes), int64(most.Nodes)},
		{"items", int64(l.Items), int64(most.Items)},
	} {
		if one.given < 0 || one.given > one.top {
			c.at([]string{"limits", one.key}, "must be 1 to %d", one.top)
		}
	}
}

// identity judges what the event's id is made of.
func (c *compiler) identity(m *Mapping) {
	id := c.in.ID
	if id == nil {
		if c.in.Format != CSV {
			c.at([]string{"id"}, "is missing: say what tells inputs apart ({from: [/path, …]}, {meta: webhook-id} or {content: true})")
		}
		return
	}
	given := 0
	for _, one := range []bool{len(id.From) > 0, id.Meta != "", id.Content} {
		if one {
			given++
		}
	}
	if given != 1 {
		c.at([]string{"id"}, "must have one of from, meta, content: true")
	}
	for _, from := range id.From {
		m.id = append(m.id, c.path([]string{"id", "from"}, from, false))
	}
	m.idMeta, m.idContent = strings.ToLower(id.Meta), id.Content
}

// attribute compiles the rule of an attribute; nil when there is none.
func (c *compiler) attribute(name string, in *ruleFile) *rule {
	if in == nil {
		return nil
	}
	if in.Each != nil {
		c.at([]string{name, "each"}, "an attribute is no list")
	}
	return c.rule([]string{name}, in, false)
}

// path compiles one path.
func (c *compiler) path(keys []string, text string, inner bool) path {
	p, why := parsePath(c.in.Format, text, c.in.Namespaces, inner)
	if why != "" {
		c.at(keys, "%s", why)
	}
	if c.in.Format == CSV {
		c.used[text] = true
	}
	for _, s := range p.steps {
		c.fim(keys, s.name, true)
	}
	return p
}

// fields compiles rules by their target.
func (c *compiler) fields(keys []string, in map[string]*ruleFile, inner bool) []field {
	var out []field
	for _, target := range slices.Sorted(maps.Keys(in)) {
		at := append(slices.Clone(keys), target)
		tokens, ok := pointer(target)
		if !ok || len(tokens) == 0 || slices.Contains(tokens, "") {
			c.at(at, "the target is no JSON Pointer like /antrag/nummer")
			continue
		}
		if in[target] == nil {
			c.at(at, "the rule is empty")
			continue
		}
		for _, f := range out {
			if len(tokens) > len(f.target) && slices.Equal(tokens[:len(f.target)], f.target) {
				c.at(at, "lies within /%s, which has a rule of its own", strings.Join(f.target, "/"))
			}
		}
		out = append(out, field{tokens, c.rule(at, in[target], inner)})
	}
	return out
}

// yamlValue gives a YAML node as JSON has it: numbers as they are written, dates
// as texts.
func yamlValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = yamlValue(n.Content[i+1])
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, yamlValue(item))
		}
		return out
	}
	return yamlScalar(n)
}
