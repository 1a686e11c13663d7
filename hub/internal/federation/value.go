package federation

import (
	"math"
	"reflect"
	"regexp"
	"strconv"
	"time"
)

// Text is a string of a file with its place; the zero Text was not given.
type Text struct {
	Value string
	At    Pos
}

func (t *Text) fromNode(d *decoder, n *node) {
	t.At = n.at
	if d.expect(n, text) {
		t.Value = n.text
	}
}

// Whole is an integer of a file with its place.
type Whole struct {
	Value int64
	At    Pos
}

func (w *Whole) fromNode(d *decoder, n *node) {
	if d.expect(n, integer) {
		w.Value, _ = parseInt(n)
		w.At = n.at
	}
}

// list reads one value or a sequence of them.
type list[T any] []T

func (l *list[T]) fromNode(d *decoder, n *node) {
	items := []*node{n}
	if n.kind == sequence {
		items = n.items
	}
	for _, item := range items {
		var v T
		d.into(item, reflect.ValueOf(&v).Elem(), "")
		*l = append(*l, v)
	}
}

// later is a key that a coming version understands.
type later struct{}

func (*later) fromNode(d *decoder, n *node) { d.add(n.at, YAMLUnsupported, d.key) }

var sizePattern = regexp.MustCompile(`^(\d{1,15})\s?(B|KiB|MiB|GiB|TiB)?$`)

// parseSize reads a number of bytes: 512, 40MiB, 1 GiB.
func parseSize(s string) (int64, bool) {
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

func parseInt(n *node) (int64, bool) {
	v, err := strconv.ParseInt(n.text, 10, 64)
	return v, err == nil
}

// setScalar fills v, of a basic type, and tells whether n fits.
func setScalar(n *node, v reflect.Value) (want Message, ok bool) {
	switch v.Kind() {
	case reflect.String:
		if n.kind == text {
			v.SetString(n.text)
		}
		return wanted(text, n), n.kind == text
	case reflect.Bool:
		if n.kind == boolean {
			v.SetBool(n.text == "true" || n.text == "True" || n.text == "TRUE")
		}
		return kindNames[boolean], n.kind == boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return setInt(n, v)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		i, whole := parseInt(n)
		ok = n.kind == integer && whole && i >= 0 && !v.OverflowUint(uint64(i))
		if ok {
			v.SetUint(uint64(i)) //nolint:gosec // not negative
		}
		return sized(v), ok
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(n.text, 64)
		ok = err == nil && (n.kind == float || n.kind == integer)
		if ok {
			v.SetFloat(f)
		}
		return Message{"eine Zahl", "a number"}, ok
	}
	return Message{"nichts", "nothing"}, false
}

// sized is a whole number that v can hold.
func sized(v reflect.Value) Message {
	m := kindNames[integer]
	return Message{m.De + " (" + v.Kind().String() + ")", m.En + " (" + v.Kind().String() + ")"}
}

// setInt takes integers, for time.Duration texts like 1s, and for int64 sizes
// like 40MiB too.
func setInt(n *node, v reflect.Value) (want Message, ok bool) {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(n.text)
		if ok = n.kind == text && err == nil; ok {
			v.SetInt(int64(d))
		}
		return Message{"eine Dauer wie 1s oder 5m", "a duration like 1s or 5m"}, ok
	}
	i, ok := parseInt(n)
	ok = ok && n.kind == integer && !v.OverflowInt(i)
	want = sized(v)
	if v.Kind() == reflect.Int64 {
		want = Message{"eine ganze Zahl oder Größe wie 40MiB", "a whole number or a size like 40MiB"}
		if n.kind == text {
			i, ok = parseSize(n.text)
		}
	}
	if ok {
		v.SetInt(i)
	}
	return want, ok
}
