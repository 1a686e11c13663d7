package federation

import (
	"encoding"
	"reflect"
	"strings"
)

// decoder fills Go values from nodes, strictly, and goes on after a finding.
// Fields are named by their yaml tags; the option required asks for a value,
// inline takes the fields of a struct as the outer one's.
type decoder struct {
	*findings
	key string // the key whose value is being read
}

// fromNoder is a type that reads itself.
type fromNoder interface{ fromNode(d *decoder, n *node) }

// expect tells whether n is of kind k, with a finding if not.
func (d *decoder) expect(n *node, k kind) bool {
	if n.kind != k && n.kind != broken {
		d.add(n.at, YAMLType, wanted(k, n), kindNames[n.kind])
	}
	return n.kind == k
}

// wanted names a kind; where a text was written without quotes it asks for them.
func wanted(k kind, n *node) Message {
	if k == text && n.kind != mapping && n.kind != sequence && n.kind != null {
		return Message{"ein Text in Anführungszeichen", "a text in quotes"}
	}
	return kindNames[k]
}

// into reads n into v; key names it in findings.
func (d *decoder) into(n *node, v reflect.Value, key string) {
	if key != "" {
		d.key = key
	}
	if n.kind == broken {
		return
	}
	if v.CanAddr() {
		switch t := v.Addr().Interface().(type) {
		case fromNoder:
			t.fromNode(d, n)
			return
		case encoding.TextUnmarshaler:
			if d.expect(n, text) && t.UnmarshalText([]byte(n.text)) != nil {
				d.add(n.at, YAMLValue, v.Type().Name())
			}
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Struct, reflect.Slice, reflect.Map, reflect.Interface:
		if n.kind != null { // no value: as if not given
			d.composite(n, v)
		}
	default:
		if want, ok := setScalar(n, v); !ok {
			d.add(n.at, YAMLType, want, kindNames[n.kind])
		}
	}
}

func (d *decoder) composite(n *node, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.into(n, v.Elem(), "")
	case reflect.Struct:
		if d.expect(n, mapping) {
			d.object(n, v)
		}
	case reflect.Slice:
		if d.expect(n, sequence) {
			out := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
			for i, item := range n.items {
				d.into(item, out.Index(i), "")
			}
			v.Set(out)
		}
	case reflect.Map:
		if d.expect(n, mapping) {
			d.table(n, v)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(plain(n)))
	}
}

func (d *decoder) table(n *node, v reflect.Value) {
	out := reflect.MakeMapWithSize(v.Type(), len(n.keys))
	for _, e := range n.keys {
		value := reflect.New(v.Type().Elem()).Elem()
		d.into(e.value, value, e.key)
		out.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), value)
	}
	v.Set(out)
}

// plain gives a node as strings, lists and maps.
func plain(n *node) any {
	switch n.kind {
	case mapping:
		out := make(map[string]any, len(n.keys))
		for _, e := range n.keys {
			out[e.key] = plain(e.value)
		}
		return out
	case sequence:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = plain(item)
		}
		return out
	}
	return n.text
}

// slot is a field of a struct that a key fills.
type slot struct {
	key      string
	required bool
	value    reflect.Value
}

// slots lists the fields of v, those of inline structs included.
func slots(v reflect.Value) []slot {
	var out []slot
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case strings.Contains(options, "inline"):
			out = append(out, slots(v.Field(i))...)
		default:
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			out = append(out, slot{name, strings.Contains(options, "required"), v.Field(i)})
		}
	}
	return out
}

func (d *decoder) object(n *node, v reflect.Value) {
	fields := slots(v)
	for _, e := range n.keys {
		if !d.fill(fields, e) {
			d.add(e.at, YAMLUnknownKey, e.key, names(fields))
		}
	}
	for _, f := range fields {
		if f.required && n.get(f.key).empty() {
			d.add(n.at, YAMLMissing, f.key)
		}
	}
}

// empty tells whether n says nothing.
func (n *node) empty() bool {
	return n == nil || n.kind == null ||
		n.kind == text && strings.TrimSpace(n.text) == "" || n.kind == sequence && len(n.items) == 0
}

func (d *decoder) fill(fields []slot, e entry) bool {
	for _, f := range fields {
		if f.key == e.key {
			d.into(e.value, f.value, e.key)
			return true
		}
	}
	return false
}

func names(fields []slot) string {
	out := make([]string, 0, len(fields))
	for _, f := range fields {
		if f.value.Type() != reflect.TypeFor[later]() {
			out = append(out, f.key)
		}
	}
	return strings.Join(out, ", ")
}
