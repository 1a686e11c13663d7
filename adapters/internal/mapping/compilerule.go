package mapping

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// rule compiles one rule; keys lead to it.
func (c *compiler) rule(keys []string, in *ruleFile, inner bool) *rule {
	r := &rule{name: strings.Join(keys, " "), separator: " ", optional: in.Optional}
	c.sources(keys, in, r, inner)
	if in.Each != nil {
		c.list(keys, in, r)
	} else if in.Item != nil {
		c.at(with(keys, "item"), "belongs to each")
	}
	r.convert = c.conversion(keys, in)
	c.options(keys, in)
	if in.Const != nil {
		if r.constant = in.Const.v; r.constant == nil {
			c.at(with(keys, "const"), "is empty")
		}
	}
	if in.Default != nil {
		if r.fallback = in.Default.v; r.fallback == nil {
			c.at(with(keys, "default"), "is empty; with optional: true the field is left out")
		}
	}
	if in.Optional && in.Default != nil {
		c.at(with(keys, "optional"), "does not go with default")
	}
	for _, id := range in.FIM {
		c.fim(with(keys, "fim"), id, false)
	}
	return r
}

func with(keys []string, more ...string) []string { return append(slices.Clone(keys), more...) }

// sources compiles where the value comes from.
func (c *compiler) sources(keys []string, in *ruleFile, r *rule, inner bool) {
	given := 0
	for _, one := range []bool{in.From != nil, in.Const != nil, in.Concat != nil, in.Parts != nil, in.Each != nil} {
		if one {
			given++
		}
	}
	if given != 1 {
		c.at(keys, "must have one of from, const, concat, parts, each")
		return
	}
	if in.From != nil {
		p := c.path(with(keys, "from"), *in.From, inner)
		r.from = &p
	}
	if in.Concat != nil && len(in.Concat) == 0 {
		c.at(with(keys, "concat"), "is empty")
	}
	for _, from := range in.Concat {
		r.concat = append(r.concat, c.path(with(keys, "concat"), from, inner))
	}
	if in.Separator != nil {
		r.separator = *in.Separator
	}
	if in.Parts != nil {
		c.partsOf(keys, in, r, inner)
	}
}

func (c *compiler) partsOf(keys []string, in *ruleFile, r *rule, inner bool) {
	if in.Parts.Year == nil {
		c.at(with(keys, "parts"), "year is missing")
	}
	for i, from := range []*string{in.Parts.Year, in.Parts.Month, in.Parts.Day} {
		var p path
		if from != nil {
			p = c.path(with(keys, "parts", []string{"year", "month", "day"}[i]), *from, inner)
		}
		r.parts = append(r.parts, p)
	}
	if in.As != "date" && in.As != "partial-date" {
		c.at(with(keys, "as"), "must be date or partial-date, since the value has parts")
	}
	if in.Formats != nil {
		c.at(with(keys, "formats"), "does not go with parts")
	}
	in.Formats = oneOrMany{"yyyy-MM-dd", "yyyy-MM", "yyyy"}
	if in.As == "date" {
		in.Formats = in.Formats[:1]
	}
}

func (c *compiler) list(keys []string, in *ruleFile, r *rule) {
	if c.in.Format == CSV {
		c.at(with(keys, "each"), "a row has no lists")
		return
	}
	p := c.path(with(keys, "each"), *in.Each, len(keys) > 2)
	r.each, r.most = &p, c.in.Limits.orDefaults().Items
	if in.Item != nil {
		r.item = c.fields(with(keys, "item"), in.Item, true)
		if in.As != "" {
			c.at(with(keys, "as"), "does not go with item, whose rules convert")
		}
	}
}

// needs says which conversions an option belongs to.
var needs = []struct {
	key   string
	as    []string
	given func(*ruleFile) bool
}{
	{"formats", []string{"date", "partial-date", "date-time"}, func(r *ruleFile) bool { return r.Formats != nil }},
	{"zone", []string{"date-time"}, func(r *ruleFile) bool { return r.Zone != "" }},
	{"decimal", []string{"number", "cents"}, func(r *ruleFile) bool { return r.Decimal != "" }},
	{"group", []string{"number", "integer", "cents"}, func(r *ruleFile) bool { return r.Group != "" }},
	{"true", []string{"boolean"}, func(r *ruleFile) bool { return r.True != nil }},
	{"false", []string{"boolean"}, func(r *ruleFile) bool { return r.False != nil }},
	{"table", []string{"enum"}, func(r *ruleFile) bool { return r.Table != nil }},
	{"max", []string{"string"}, func(r *ruleFile) bool { return r.Max != 0 }},
}

func (c *compiler) options(keys []string, in *ruleFile) {
	as := in.As
	if as == "" {
		as = "string"
	}
	for _, n := range needs {
		if n.given(in) && !slices.Contains(n.as, as) {
			c.at(with(keys, n.key), "belongs to as: %s", strings.Join(n.as, " | "))
		}
	}
	if in.Separator != nil && in.Concat == nil {
		c.at(with(keys, "separator"), "belongs to concat")
	}
	if in.Const != nil && (in.As != "" || in.Optional || in.Default != nil) {
		c.at(with(keys, "const"), "needs neither as nor optional nor default")
	}
}

func (c *compiler) conversion(keys []string, in *ruleFile) convert {
	switch in.As {
	case "", "string":
		if in.Max < 0 || in.Max > 1_000_000 {
			c.at(with(keys, "max"), "must be 1 to 1000000")
		}
		return toString(in.Max)
	case "integer":
		return toInteger(in.Group)
	case "number", "cents":
		if in.Decimal != "" && in.Decimal == in.Group {
			c.at(with(keys, "group"), "is the same as decimal")
		}
		if in.As == "cents" {
			return toCents(in.Decimal, in.Group)
		}
		return toNumber(in.Decimal, in.Group)
	case "boolean":
		return c.booleans(keys, in)
	case "enum":
		return c.table(keys, in)
	case "date":
		return toDate(c.patterns(keys, in, "M", "d", "yyyy-MM-dd", "dd.MM.yyyy"))
	case "partial-date":
		return toPartialDate(c.patterns(keys, in, "", "", "yyyy-MM-dd", "yyyy-MM", "yyyy", "dd.MM.yyyy", "MM.yyyy"))
	case "date-time":
		return c.dateTime(keys, in)
	}
	c.at(with(keys, "as"), "must be string, integer, number, cents, boolean, enum, date, partial-date or date-time")
	return nil
}

func (c *compiler) booleans(keys []string, in *ruleFile) convert {
	yes, no := in.True, in.False
	if yes == nil && no == nil {
		yes, no = oneOrMany{"true", "ja", "j", "1"}, oneOrMany{"false", "nein", "n", "0"}
	}
	for _, word := range yes {
		if slices.ContainsFunc(no, func(w string) bool { return strings.EqualFold(w, word) }) {
			c.at(with(keys, "false"), "has a word that true has too")
		}
	}
	return toBoolean(yes, no)
}

func (c *compiler) table(keys []string, in *ruleFile) convert {
	if len(in.Table) == 0 {
		c.at(with(keys, "table"), "is missing: {value in the input: value in the event}")
	}
	table := map[string]any{}
	for _, word := range slices.Sorted(maps.Keys(in.Table)) {
		switch table[word] = in.Table[word].v; table[word].(type) {
		case nil, map[string]any, []any:
			c.at(with(keys, "table", word), "must be a single value")
		}
	}
	return toEnum(table)
}

// patterns compiles the formats; the letters say which parts each must have.
func (c *compiler) patterns(keys []string, in *ruleFile, month, day string, usual ...string) []pattern {
	texts := []string(in.Formats)
	if texts == nil {
		texts = usual
	}
	var out []pattern
	for _, text := range texts {
		p, err := parsePattern(text)
		if err == nil && !p.count && text != "iso" {
			for _, part := range month + day {
				if !p.has(byte(part)) { //nolint:gosec // M or d
					c.at(with(keys, "formats"), "the format %s has no day or no month", text)
				}
			}
		}
		if err != nil {
			c.at(with(keys, "formats"), "%v", err)
			continue
		}
		out = append(out, p)
	}
	return out
}

func (c *compiler) dateTime(keys []string, in *ruleFile) convert {
	name := in.Zone
	if name == "" {
		name = berlin
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		c.at(with(keys, "zone"), "is no time zone like Europe/Berlin")
		zone = time.UTC
	}
	return toDateTime(c.patterns(keys, in, "M", "d", "iso", "dd.MM.yyyy HH:mm:ss", "dd.MM.yyyy HH:mm", "dd.MM.yyyy"), zone)
}

var jsonNumber = regexp.MustCompile(`^-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?$`)

// yamlScalar gives a single YAML value; nil for null. A number that JSON would
// write otherwise is a text.
func yamlScalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if jsonNumber.MatchString(n.Value) {
			return json.Number(n.Value)
		}
	}
	return n.Value
}
