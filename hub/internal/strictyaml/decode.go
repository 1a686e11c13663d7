package strictyaml

import (
	"encoding"
	"reflect"
	"strings"
	"sync"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// Decoder fills Go values from nodes, strictly, and goes on after a finding.
// Fields are named by their yaml tags; the option required asks for a value,
// inline takes the fields of a struct as the outer one's.
type Decoder struct {
	*finding.List
	key string // the key whose value is being read
}

// NewDecoder makes a Decoder that adds what is wrong to found.
func NewDecoder(found *finding.List) *Decoder { return &Decoder{List: found} }

// Read reads a YAML file into a T; nil when it is no mapping at all.
func Read[T any](found *finding.List, file string, raw []byte) *T {
	root := Parse(found, file, raw)
	if root == nil {
		return nil
	}
	return ReadNode[T](found, root)
}

// ReadNode reads a node into a T; nil when it is no mapping.
func ReadNode[T any](found *finding.List, root *Node) *T {
	d := NewDecoder(found)
	var in T
	if !d.Expect(root, Mapping) {
		return nil
	}
	d.object(root, reflect.ValueOf(&in).Elem())
	return &in
}

// Value reads n, whatever it is, into the value that into points at.
func (d *Decoder) Value(n *Node, into any) {
	d.Into(n, reflect.ValueOf(into).Elem(), "")
}

// Fields reads the mapping n into the struct that into points at, although its
// type reads itself otherwise.
func (d *Decoder) Fields(n *Node, into any) {
	if d.Expect(n, Mapping) {
		d.object(n, reflect.ValueOf(into).Elem())
	}
}

// FromNoder is a type that reads itself.
type FromNoder interface{ FromNode(d *Decoder, n *Node) }

// Expect tells whether n is of kind k, with a finding if not.
func (d *Decoder) Expect(n *Node, k Kind) bool {
	if n.Kind != k && n.Kind != broken {
		d.Add(n.At, finding.YAMLType, wanted(k, n), kindNames[n.Kind])
	}
	return n.Kind == k
}

// wanted names a kind; where a text was written without quotes it asks for them.
func wanted(k Kind, n *Node) finding.Message {
	if k == String && n.Kind != Mapping && n.Kind != Sequence && n.Kind != Null {
		return finding.Message{De: "ein Text in Anführungszeichen", En: "a text in quotes"}
	}
	return kindNames[k]
}

// Into reads n into v; key names it in findings.
func (d *Decoder) Into(n *Node, v reflect.Value, key string) {
	if key != "" {
		d.key = key
	}
	if n.Kind == broken {
		return
	}
	if v.CanAddr() {
		switch t := v.Addr().Interface().(type) {
		case FromNoder:
			t.FromNode(d, n)
			return
		case encoding.TextUnmarshaler:
			if d.Expect(n, String) && t.UnmarshalText([]byte(n.Text)) != nil {
				d.Add(n.At, finding.YAMLValue, v.Type().Name())
			}
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Struct, reflect.Slice, reflect.Map, reflect.Interface:
		if n.Kind != Null { // no value: as if not given
			d.composite(n, v)
		}
	default:
		if want, ok := setScalar(n, v); !ok {
			d.Add(n.At, finding.YAMLType, want, kindNames[n.Kind])
		}
	}
}

func (d *Decoder) composite(n *Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.Into(n, v.Elem(), "")
	case reflect.Struct:
		if d.Expect(n, Mapping) {
			d.object(n, v)
		}
	case reflect.Slice:
		if d.Expect(n, Sequence) {
			out := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
			for i, item := range n.Items {
				if item.Kind == Null && v.Type().Elem().Kind() == reflect.Struct {
					d.Expect(item, Mapping)
					continue
				}
				d.Into(item, out.Index(i), "")
			}
			v.Set(out)
		}
	case reflect.Map:
		if d.Expect(n, Mapping) {
			d.table(n, v)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(plain(n)))
	}
}

func (d *Decoder) table(n *Node, v reflect.Value) {
	out := reflect.MakeMapWithSize(v.Type(), len(n.Keys))
	for _, e := range n.Keys {
		value := reflect.New(v.Type().Elem()).Elem()
		d.Into(e.Value, value, e.Key)
		out.SetMapIndex(reflect.ValueOf(e.Key).Convert(v.Type().Key()), value)
	}
	v.Set(out)
}

// plain gives a node as strings, lists and maps.
func plain(n *Node) any {
	switch n.Kind {
	case Mapping:
		out := make(map[string]any, len(n.Keys))
		for _, e := range n.Keys {
			out[e.Key] = plain(e.Value)
		}
		return out
	case Sequence:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = plain(item)
		}
		return out
	}
	return n.Text
}

// slot is a field of a struct type that a key fills.
type slot struct {
	key      string
	required bool
	index    []int
}

// slotsOf remembers the slots of types: there are few types and many values.
var slotsOf sync.Map // reflect.Type -> []slot

// slots lists the fields of a struct type, those of inline structs included.
func slots(t reflect.Type) []slot {
	if known, ok := slotsOf.Load(t); ok {
		return known.([]slot) //nolint:errcheck,forcetypeassert // nothing else is stored
	}
	var out []slot
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case strings.Contains(options, "inline"):
			for _, inner := range slots(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
		default:
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			out = append(out, slot{name, strings.Contains(options, "required"), []int{i}})
		}
	}
	slotsOf.Store(t, out)
	return out
}

func (d *Decoder) object(n *Node, v reflect.Value) {
	fields := slots(v.Type())
	for _, e := range n.Keys {
		if !d.fill(fields, e, v) {
			d.Add(e.At, finding.YAMLUnknownKey, e.Key, names(fields))
		}
	}
	for _, f := range fields {
		if f.required && n.Get(f.key).Empty() {
			d.Add(n.At, finding.YAMLMissing, f.key)
		}
	}
}

// Empty tells whether n says nothing.
func (n *Node) Empty() bool {
	return n == nil || n.Kind == Null ||
		n.Kind == String && strings.TrimSpace(n.Text) == "" || n.Kind == Sequence && len(n.Items) == 0
}

func (d *Decoder) fill(fields []slot, e Entry, v reflect.Value) bool {
	for _, f := range fields {
		if f.key == e.Key {
			d.Into(e.Value, v.FieldByIndex(f.index), e.Key)
			return true
		}
	}
	return false
}

func names(fields []slot) string {
	out := make([]string, 0, len(fields))
	for _, f := range fields {
		out = append(out, f.key)
	}
	return strings.Join(out, ", ")
}
