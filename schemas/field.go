package schemas

// Field is a property that data of a type can have.
type Field struct {
	Pointer string // property path; through an array it means every item
	Leaf    bool   // has no properties of its own
	// Repeated is true when the field stands in an array.
	Repeated bool
	// Datenkategorie is the field's category of personal data, its own or its
	// nearest parent's; "" when there is none.
	Datenkategorie string
	Sperre         string // name of the block, own or a parent's
	Bedingung      string // name of the data condition
	Adresse        string // how the field names an authority: ArtAGS, ArtARS, ArtDVDV
	Suchbar        string // what a caller would call its value; "" when it cannot be searched for
	// Title is a label, Description a sentence, in German and English. Each is
	// the field's own or that of what its $ref points at, never a parent's;
	// "" when there is none. Of an array they tell what it is as a whole.
	Title, TitleEn, Description, DescriptionEn string

	scalar    bool
	text      bool   // can only be a text or null
	cleared   bool   // said to hold no personal data
	ownSperre bool   // Sperre stands here, not at a parent
	open      bool   // may hold fields without a name
	dated     bool   // a date, or a point in time
	at        string // where in the resolved schema
}

// Fields lists every property of the schema, parents before their children, in
// the order of the pointers.
func (s *Schema) Fields() []Field { return fields(s.resolved) }

func fields(root map[string]any) []Field {
	w := &fieldWalk{}
	top := view{{root, ""}}
	var f Field
	for _, p := range widen(top) {
		f.take(p.node)
	}
	f.ownSperre, f.Bedingung, f.Adresse, f.Suchbar = false, "", "", ""
	w.object(top, f)
	return w.out
}

// view is a schema with all that stands beside it for the same value: allOf and
// the branches of anyOf, oneOf, if, dependentSchemas.
type view []place

type place struct {
	node map[string]any
	at   string
}

// widen adds the schemas that apply to the same value.
func widen(v view) view {
	for i := 0; i < len(v); i++ {
		for _, c := range children(v[i].node) {
			n, ok := c.node.(map[string]any)
			if ok && c.refines && c.keyword != "contains" && c.keyword != "propertyNames" {
				v = append(v, place{n, v[i].at + c.pointer})
			}
		}
	}
	return v
}

type fieldWalk struct{ out []Field }

// object lists the properties below v, whose own field is parent.
func (w *fieldWalk) object(v view, parent Field) {
	props := map[string]view{}
	for _, p := range widen(v) {
		named, _ := p.node["properties"].(map[string]any)
		for name, n := range named {
			if node, ok := n.(map[string]any); ok {
				props[name] = append(props[name], place{node, p.at + "/properties/" + token(name)})
			}
		}
	}
	for _, name := range sorted(props) {
		w.field(props[name], parent, parent.Pointer+"/"+token(name))
	}
}

func (w *fieldWalk) field(v view, parent Field, pointer string) {
	f := Field{
		Pointer: pointer, Repeated: parent.Repeated, Datenkategorie: parent.Datenkategorie,
		Sperre: parent.Sperre, cleared: parent.cleared, at: v[0].at,
	}
	index := len(w.out)
	w.out = append(w.out, f)
	w.value(v, &f)
	f.Leaf = len(w.out) == index+1
	w.out[index] = f
}

// value takes the marks of v and goes on into its properties and items.
func (w *fieldWalk) value(v view, f *Field) {
	wide := widen(v)
	f.open = f.open || v.open()
	var items view
	for _, p := range wide {
		f.take(p.node)
		f.takeTexts(p.node)
		for _, c := range children(p.node) {
			if n, ok := c.node.(map[string]any); ok && (c.keyword == "items" || c.keyword == "prefixItems") {
				items = append(items, place{n, p.at + c.pointer})
			}
		}
	}
	f.scalar, f.text = scalar(wide)
	w.object(v, *f)
	if items != nil {
		inner := *f
		inner.Repeated = true
		w.value(items, &inner)
		f.Datenkategorie, f.cleared, f.open = inner.Datenkategorie, inner.cleared, inner.open
		if inner.Sperre != "" {
			f.Sperre, f.ownSperre = inner.Sperre, true
		}
		if inner.Bedingung != "" {
			f.Bedingung = inner.Bedingung
		}
		if inner.Adresse != "" {
			f.Adresse = inner.Adresse
		}
		if inner.Suchbar != "" {
			f.Suchbar = inner.Suchbar
		}
		f.scalar, f.text = false, false
	}
}

func (f *Field) take(node map[string]any) {
	if s, ok := node["x-datenkategorie"].(string); ok {
		f.Datenkategorie = s
	}
	if s, ok := node["x-sperre"].(string); ok {
		f.Sperre, f.ownSperre = s, true
	}
	if s, ok := node["x-bedingung"].(string); ok {
		f.Bedingung = s
	}
	if s, ok := node["x-adresse"].(string); ok {
		f.Adresse = s
	}
	if s, ok := node["x-suchbar"].(string); ok {
		f.Suchbar = s
	}
	if s, _ := node["format"].(string); s == "date" || s == "date-time" || s == "time" {
		f.dated = true
	}
	if b, ok := node["x-nicht-personenbezogen"].(bool); ok {
		f.cleared = b
	}
}

// takeTexts takes the texts that f does not have yet, so that what stands beside
// a $ref goes before its target.
func (f *Field) takeTexts(node map[string]any) {
	for keyword, text := range map[string]*string{
		"title": &f.Title, "x-title-en": &f.TitleEn,
		"description": &f.Description, "x-description-en": &f.DescriptionEn,
	} {
		if s, ok := node[keyword].(string); ok && *text == "" {
			*text = s
		}
	}
}

// scalar tells whether the value can only be a text, a number or a truth value,
// and whether of these it can only be a text. Null counts as any.
func scalar(v view) (single, text bool) {
	for _, p := range v {
		if p.node["type"] == nil {
			continue
		}
		single = !hasType(p.node, "object") && !hasType(p.node, "array")
		other := hasType(p.node, "number") || hasType(p.node, "integer") || hasType(p.node, "boolean")
		return single, single && !other && hasType(p.node, "string")
	}
	return false, false
}
