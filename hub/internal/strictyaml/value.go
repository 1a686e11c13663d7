package strictyaml

import (
	"math"
	"reflect"
	"regexp"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// Text is a string of a file with its place; the zero Text was not given.
type Text struct {
	Value string
	At    finding.Pos
}

// FromNode reads a text.
func (t *Text) FromNode(d *Decoder, n *Node) {
	t.At = n.At
	if d.Expect(n, String) {
		t.Value = n.Text
	}
}

// Whole is an integer of a file with its place.
type Whole struct {
	Value int64
	At    finding.Pos
}

// FromNode reads a whole number.
func (w *Whole) FromNode(d *Decoder, n *Node) {
	if d.Expect(n, Integer) {
		w.Value, _ = parseInt(n)
		w.At = n.At
	}
}

// OneOrMany reads one value or a sequence of them.
type OneOrMany[T any] []T

// FromNode reads a list, or the one value.
func (l *OneOrMany[T]) FromNode(d *Decoder, n *Node) {
	items := []*Node{n}
	if n.Kind == Sequence {
		items = n.Items
	}
	for _, item := range items {
		var v T
		d.Into(item, reflect.ValueOf(&v).Elem(), "")
		*l = append(*l, v)
	}
}

var sizePattern = regexp.MustCompile(`^(\d{1,15})\s?(B|KiB|MiB|GiB|TiB)?$`)

// ParseSize reads a number of bytes: 512, 40MiB, 1 GiB.
func ParseSize(s string) (int64, bool) {
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	shift := map[string]uint{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[m[2]]
	if err != nil || n > math.MaxInt64>>shift {
		return 0, false
	}
	return n << shift, true
}

func parseInt(n *Node) (int64, bool) {
	v, err := strconv.ParseInt(n.Text, 10, 64)
	return v, err == nil
}

// setScalar fills v, of a basic type, and tells whether n fits.
func setScalar(n *Node, v reflect.Value) (want finding.Message, ok bool) {
	switch v.Kind() {
	case reflect.String:
		if n.Kind == String {
			v.SetString(n.Text)
		}
		return wanted(String, n), n.Kind == String
	case reflect.Bool:
		if n.Kind == Boolean {
			v.SetBool(n.Text == "true" || n.Text == "True" || n.Text == "TRUE")
		}
		return kindNames[Boolean], n.Kind == Boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return setInt(n, v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		i, whole := parseInt(n)
		ok = n.Kind == Integer && whole && i >= 0 && !v.OverflowUint(uint64(i))
		if ok {
			v.SetUint(uint64(i)) //nolint:gosec // not negative
		}
		return sized(v), ok
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(n.Text, 64)
		ok = err == nil && (n.Kind == Float || n.Kind == Integer)
		if ok {
			v.SetFloat(f)
		}
		return finding.Message{De: "eine Zahl", En: "a number"}, ok
	}
	return finding.Message{De: "nichts", En: "nothing"}, false
}

// sized is a whole number that v can hold.
func sized(v reflect.Value) finding.Message {
	m := kindNames[Integer]
	return finding.Message{De: m.De + " (" + v.Kind().String() + ")", En: m.En + " (" + v.Kind().String() + ")"}
}

// setInt takes integers, for time.Duration texts like 1s, and for int64 sizes
// like 40MiB too.
func setInt(n *Node, v reflect.Value) (want finding.Message, ok bool) {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(n.Text)
		if ok = n.Kind == String && err == nil; ok {
			v.SetInt(int64(d))
		}
		return finding.Message{De: "eine Dauer wie 1s oder 5m", En: "a duration like 1s or 5m"}, ok
	}
	i, ok := parseInt(n)
	ok = ok && n.Kind == Integer && !v.OverflowInt(i)
	want = sized(v)
	if v.Kind() == reflect.Int64 {
		want = finding.Message{De: "eine ganze Zahl oder Größe wie 40MiB", En: "a whole number or a size like 40MiB"}
		if n.Kind == String {
			i, ok = ParseSize(n.Text)
		}
	}
	if ok {
		v.SetInt(i)
	}
	return want, ok
}
