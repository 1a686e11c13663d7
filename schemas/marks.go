package schemas

import (
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// marks checks the x- marks of a resolved schema and takes them over into s.
func (s *Schema) marks(p *problems) {
	s.attributes(p)
	s.searchableAttributes(p)
	s.keep(p)
	s.Bedingungen = map[string]string{}
	s.names = map[string]bool{}
	lintMarks(s.resolved, "", false, p)
	if (view{{s.resolved, ""}}).open() {
		p.open("")
	}
	for _, f := range fields(s.resolved) {
		if f.open {
			p.open(f.at)
		}
		s.names[untoken(f.Pointer[strings.LastIndexByte(f.Pointer, '/')+1:])] = true
		if f.Leaf && f.Datenkategorie == "" && f.Sperre == "" && !f.cleared {
			p.at(f.at, CodeMark, "Dem Feld %s fehlt x-datenkategorie, x-sperre oder x-nicht-personenbezogen: true.",
				"The field %s lacks x-datenkategorie, x-sperre or x-nicht-personenbezogen: true.", f.Pointer)
		}
		if f.ownSperre {
			s.Sperren = append(s.Sperren, Sperre{f.Pointer, f.Sperre})
		}
		if f.Bedingung != "" {
			s.condition(f, p)
		}
		if f.Adresse != "" {
			s.address(f, p)
		}
		if f.Suchbar != "" {
			s.searchable(f, p)
		}
	}
}

// texts takes what the root says of the type as a whole.
func (s *Schema) texts() {
	var f Field
	f.takeTexts(s.resolved)
	s.Title, s.TitleEn, s.Description, s.DescriptionEn = f.Title, f.TitleEn, f.Description, f.DescriptionEn
}

func (s *Schema) condition(f Field, p *problems) {
	name := f.Bedingung
	_, twice := s.Bedingungen[name]
	taken := twice || CommonAttribute(name)
	for _, a := range s.Attributes {
		taken = taken || a == name
	}
	switch {
	case taken:
		p.at(f.at, CodeMark, "Den Namen %s der Bedingung gibt es schon.", "The condition's name %s is taken already.", name)
	case !f.Leaf || !f.scalar || f.Repeated:
		p.at(f.at, CodeMark, "Eine Bedingung muss ein einzelner Wert sein, nicht in einer Liste.", "A condition must be a single value, not in a list.")
	}
	s.Bedingungen[name] = f.Pointer
}

func (s *Schema) attributes(p *problems) {
	v, given := s.resolved["x-attribute"]
	if !given {
		return
	}
	names, ok := v.([]any)
	seen := map[string]bool{}
	for _, n := range names {
		name, _ := n.(string)
		ok = ok && attributeName.MatchString(name) && !CommonAttribute(name) && name != hub.AttrReplay && !seen[name]
		seen[name] = true
		s.Attributes = append(s.Attributes, name)
	}
	if !ok {
		p.at("/x-attribute", CodeMark, "x-attribute muss eine Liste eigener, verschiedener Namen aus a-z und 0-9 sein (höchstens 20 Zeichen).",
			"x-attribute must be a list of own, distinct names of a-z and 0-9 (at most 20 characters).")
	}
}

// defaultKeep is how long released events stay when their type does not say,
// DefaultKeep the same for those whose type is unknown.
const (
	defaultKeep = "P7D"
	DefaultKeep = 7 * 24 * time.Hour
)

func (s *Schema) keep(p *problems) {
	text := defaultKeep
	if v, given := s.resolved["x-keep"]; given {
		text, _ = v.(string)
	}
	d, err := Period(text)
	if err != nil {
		p.at("/x-keep", CodeMark, "x-keep ist keine Dauer wie P7D.", "x-keep is no duration like P7D.")
	}
	s.Keep = d
}

// lintMarks checks form and place of every mark below node; unseen tells that
// what stands there belongs to no field of its own.
func lintMarks(node map[string]any, at string, unseen bool, p *problems) {
	for _, k := range sorted(node) {
		switch {
		case !strings.HasPrefix(k, "x-"):
		case !markFits(k, node[k], at):
			p.at(at+"/"+token(k), CodeMark, "Die Angabe %s gibt es hier oder in dieser Form nicht.", "The mark %s does not exist here or in this form.", k)
		case unseen && actedUpon[k]:
			p.at(at+"/"+token(k), CodeMark, "Die Angabe %s wird hier nicht beachtet: Sie gehört an ein benanntes Feld (properties).",
				"The mark %s is not seen here: it belongs to a field with a name (properties).", k)
		}
	}
	for _, c := range children(node) {
		if n, ok := c.node.(map[string]any); ok {
			lintMarks(n, at+c.pointer, unseen || nameless[c.keyword], p)
		}
	}
}

// actedUpon are the marks that the hub looks for at fields. One that it does not
// find, a block above all, would be worse than none.
var actedUpon = map[string]bool{"x-datenkategorie": true, "x-sperre": true, "x-bedingung": true, "x-adresse": true, "x-suchbar": true}

// nameless keywords hold schemas of values that are no fields.
var nameless = map[string]bool{
	"additionalProperties": true, "unevaluatedProperties": true, "patternProperties": true, "propertyNames": true,
	"contains": true, "unevaluatedItems": true,
}

func markFits(k string, v any, at string) bool {
	s, _ := v.(string)
	switch k {
	case "x-attribute", "x-keep", "x-suchbar-attribute":
		return at == ""
	case "x-datenkategorie":
		return markName.MatchString(s)
	case "x-sperre", "x-suchbar":
		return markName.MatchString(s) && at != ""
	case "x-bedingung":
		return conditionName.MatchString(s) && at != ""
	case "x-adresse":
		return (s == ArtAGS || s == ArtARS || s == ArtDVDV) && at != ""
	case "x-nicht-personenbezogen":
		return v == true
	case "x-title-en", "x-description-en":
		return strings.TrimSpace(s) != ""
	}
	return false
}
