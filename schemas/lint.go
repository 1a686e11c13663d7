package schemas

import (
	"regexp"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

const draft = "https://json-schema.org/draft/2020-12/schema"

// metaschema of JSON Schema 2020-12, which the library has built in.
var metaschema = jsonschema.MustCompile(draft)

// document is one schema file, admitted by itself; references are still open.
type document struct {
	id   string
	file string
	raw  []byte
	root map[string]any
	// isShared is true for a part that types refer to (gemeinsam).
	isShared bool
}

// read decodes and lints one schema file. The document is nil exactly when
// there is a problem.
func read(id, file string, raw []byte, isShared bool) (*document, []error) {
	p := &problems{file: file, raw: raw}
	doc, err := decode(raw)
	if err != nil {
		p.syntax(err)
		return nil, p.list
	}
	root, ok := doc.(map[string]any)
	if !ok {
		p.at("", CodeOpen, "Ein Schema muss ein Objekt sein.", "A schema must be an object.")
		return nil, p.list
	}
	d := &document{id: id, file: file, raw: raw, root: root, isShared: isShared}
	l := linter{problems: p, doc: d}
	l.root()
	l.schema(root, "", false)
	if len(p.list) == 0 {
		l.meta()
	}
	if len(p.list) > 0 {
		return nil, p.list
	}
	return d, nil
}

// linter holds a schema file to the rules beyond the metaschema.
type linter struct {
	*problems
	doc *document
}

func (l *linter) root() {
	root := l.doc.root
	if s, _ := root["$schema"].(string); s != draft {
		l.at("/$schema", CodeMeta, "$schema muss %s sein.", "$schema must be %s.", draft)
	}
	if s, _ := root["$id"].(string); s != l.doc.id {
		l.at("/$id", CodeMeta, "$id muss %s sein.", "$id must be %s.", l.doc.id)
	}
	if s, _ := root["title"].(string); strings.TrimSpace(s) == "" {
		l.at("/title", CodeKeyword, "title fehlt.", "title is missing.")
	}
	if !l.doc.isShared && root["type"] != "object" && root["$ref"] == nil {
		l.at("/type", CodeOpen, "Die Daten eines Ereignisses müssen ein Objekt sein (type: object).", "The data of an event must be an object (type: object).")
	}
	if _, ok := root["$defs"]; ok && l.doc.isShared {
		l.at("/$defs", CodeKeyword, "Ein gemeinsames Teil hat keine eigenen $defs.", "A shared part has no $defs of its own.")
	}
}

// schema lints node and all schemas below it. refines is true when node only
// narrows a schema beside it and so need not be closed.
func (l *linter) schema(node map[string]any, at string, refines bool) {
	for _, k := range sorted(node) {
		l.keyword(node, k, at)
	}
	if !refines {
		l.closed(node, at)
	}
	for _, c := range children(node) {
		switch n := c.node.(type) {
		case map[string]any:
			l.schema(n, at+c.pointer, refines || c.refines)
		case bool:
			if n || !strings.HasSuffix(c.keyword, "Properties") && !strings.HasSuffix(c.keyword, "tems") {
				l.at(at+c.pointer, CodeOpen, "true und false sind hier kein Schema.", "true and false are no schema here.")
			}
		}
	}
}

func (l *linter) keyword(node map[string]any, k, at string) {
	_, known := keywords[k]
	if !known && !strings.HasPrefix(k, "x-") || at != "" && (k == "$id" || k == "$schema" || k == "$defs") {
		l.at(at+"/"+token(k), CodeKeyword, "Das Schlüsselwort %s gibt es hier nicht.", "The keyword %s does not exist here.", k)
		return
	}
	switch k {
	case "$ref":
		l.ref(node[k], at)
	case "pattern":
		l.pattern(node[k], at+"/pattern")
	case "patternProperties":
		names, _ := node[k].(map[string]any)
		for _, name := range sorted(names) {
			l.pattern(name, at+"/patternProperties/"+token(name))
		}
	case "enum":
		if values, ok := node[k].([]any); ok && len(values) == 0 {
			l.at(at+"/enum", CodeKeyword, "enum ist leer: kein Wert wäre gültig.", "enum is empty: no value would be valid.")
		}
	case "format":
		// regex: what a pattern costs cannot be told from its length
		if name, ok := node[k].(string); ok && (jsonschema.Formats[name] == nil || name == "regex") {
			l.at(at+"/format", CodeKeyword, "Das Format %s wird nicht geprüft.", "The format %s is not checked.", name)
		}
	}
}

// ref lets references pass that stay within the registry: to a shared part, or
// to the $defs of the same file.
func (l *linter) ref(v any, at string) {
	ref, ok := v.(string)
	if !ok {
		return
	}
	local := strings.HasPrefix(ref, "#/$defs/") && strings.Count(ref, "/") == 2
	if l.doc.isShared {
		local = false
	}
	if !local && !strings.HasPrefix(ref, sharedPrefix) && ref != "#" {
		l.at(at+"/$ref", CodeRefBan, "Ein Verweis darf nur auf #/$defs/… oder %s… zeigen.", "A reference may only point at #/$defs/… or %s….", sharedPrefix)
	}
	if ref == "#" {
		l.at(at+"/$ref", CodeRefLoop, "Der Verweis # führt zu sich selbst.", "The reference # leads to itself.")
	}
}

func (l *linter) pattern(v any, at string) {
	s, ok := v.(string)
	if !ok {
		return
	}
	if _, err := regexp.Compile(s); err != nil {
		l.at(at, CodeRegex, "Den regulären Ausdruck versteht RE2 nicht (kein Vor- und Rückwärtsblick, keine Rückverweise).", "RE2 does not understand the regular expression (no look-around, no back references).")
	}
}

// closed holds objects to naming all their fields.
func (l *linter) closed(node map[string]any, at string) {
	if node["properties"] == nil && !hasType(node, "object") {
		return
	}
	if node["additionalProperties"] == nil && node["unevaluatedProperties"] == nil {
		l.open(at)
	}
}

func hasType(node map[string]any, name string) bool {
	switch t := node["type"].(type) {
	case string:
		return t == name
	case []any:
		for _, one := range t {
			if one == name {
				return true
			}
		}
	}
	return false
}

// meta checks against the metaschema.
func (l *linter) meta() {
	err := metaschema.Validate(l.doc.root)
	for _, v := range violations(err, nil) {
		l.at(v.Pointer, CodeMeta, "Kein gültiges JSON-Schema 2020-12 (%s).", "No valid JSON Schema 2020-12 (%s).", v.Keyword)
	}
}
