package mapping

import (
	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/internal/csvrows"
)

// The mapping file as it is written; README.md says what the keys mean.

type mappingFile struct {
	Format        string               `yaml:"format"`
	CSV           csvrows.Format       `yaml:"csv"`
	Namespaces    map[string]string    `yaml:"namespaces"`
	When          map[string]oneOrMany `yaml:"when"`
	Type          string               `yaml:"type"`
	ID            *idFile              `yaml:"id"`
	Case          *ruleFile            `yaml:"case"`
	CorrelationID *ruleFile            `yaml:"correlationid"`
	Time          *ruleFile            `yaml:"time"`
	AGS           *ruleFile            `yaml:"ags"`
	Data          map[string]*ruleFile `yaml:"data"`
	Limits        Limits               `yaml:"limits"`
	Beispiele     []exampleFile        `yaml:"beispiele"`
}

type idFile struct {
	From    oneOrMany `yaml:"from"`
	Meta    string    `yaml:"meta"`
	Content bool      `yaml:"content"`
}

type ruleFile struct {
	From      *string              `yaml:"from"`
	Const     *anyValue            `yaml:"const"`
	Concat    []string             `yaml:"concat"`
	Separator *string              `yaml:"separator"`
	Parts     *partsFile           `yaml:"parts"`
	Each      *string              `yaml:"each"`
	Item      map[string]*ruleFile `yaml:"item"`

	As       string              `yaml:"as"`
	Formats  oneOrMany           `yaml:"formats"`
	Zone     string              `yaml:"zone"`
	Decimal  string              `yaml:"decimal"`
	Group    string              `yaml:"group"`
	True     oneOrMany           `yaml:"true"`
	False    oneOrMany           `yaml:"false"`
	Table    map[string]anyValue `yaml:"table"`
	Max      int                 `yaml:"max"`
	Optional bool                `yaml:"optional"`
	Default  *anyValue           `yaml:"default"`
	FIM      oneOrMany           `yaml:"fim"`
}

// UnmarshalYAML lets a path alone stand for {from: path}.
func (r *ruleFile) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		from := n.Value
		*r = ruleFile{From: &from}
		return nil
	}
	type plain ruleFile
	return n.Load((*plain)(r), yaml.WithKnownFields())
}

type partsFile struct {
	Year  *string `yaml:"year"`
	Month *string `yaml:"month"`
	Day   *string `yaml:"day"`
}

type exampleFile struct {
	Input      string            `yaml:"input"`
	Line       int               `yaml:"line"`
	Meta       map[string]string `yaml:"meta"`
	Expect     *anyValue         `yaml:"expect"`
	Attributes map[string]string `yaml:"attributes"`
	Refused    string            `yaml:"refused"`
}

// anyValue is whatever stands there, as JSON has it (yamlValue); nil for null.
type anyValue struct{ v any }

// UnmarshalYAML takes any value.
func (a *anyValue) UnmarshalYAML(n *yaml.Node) error {
	a.v = yamlValue(n)
	return nil
}

type oneOrMany []string

// UnmarshalYAML reads one text or a list of them.
func (l *oneOrMany) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		var one string
		if err := n.Load(&one); err != nil {
			return err
		}
		*l = oneOrMany{one}
		return nil
	}
	return n.Load((*[]string)(l))
}

// Limits of one input. Zero means the default.
type Limits struct {
	Bytes int64 `yaml:"bytes"` // of the document; 1 MiB
	Depth int   `yaml:"depth"` // nesting; 64
	Nodes int   `yaml:"nodes"` // values or elements; 100 000
	Items int   `yaml:"items"` // of one list; 10 000
}

func (l Limits) orDefaults() Limits {
	d := Limits{Bytes: 1 << 20, Depth: 64, Nodes: 100_000, Items: 10_000}
	if l.Bytes > 0 {
		d.Bytes = l.Bytes
	}
	if l.Depth > 0 {
		d.Depth = l.Depth
	}
	if l.Nodes > 0 {
		d.Nodes = l.Nodes
	}
	if l.Items > 0 {
		d.Items = l.Items
	}
	return d
}
