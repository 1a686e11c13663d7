package event

import (
	"maps"
	"slices"
	"testing"
)

func TestPercentEncode(t *testing.T) {
	for in, want := range map[string]string{
		"plain/!#$&'()*+,-.:;<=>?@[]^_`{|}~": "plain/!#$&'()*+,-.:;<=>?@[]^_`{|}~",
		"Euro € 😀":                           "Euro%20%E2%82%AC%20%F0%9F%98%80", // the example of the HTTP binding, 3.1.3.2
		`a"b%c`:                              "a%22b%25c",
		"line\r\nNats-Rollup: all":           "line%0D%0ANats-Rollup:%20all",
		"":                                   "",
	} {
		if got := PercentEncode(in); got != want {
			t.Errorf("PercentEncode(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDigestCoversWhatMakesTheEvent(t *testing.T) {
	base := func() *Event {
		return &Event{Attributes: Attributes{
			{AttrType, "t"}, {AttrSubject, "s"}, {AttrDataSchema, "d"}, {AttrDataContentType, "c"}, {AttrTime, "2026-01-01T00:00:00Z"},
		}, Data: []byte("x")}
	}
	want := base().Digest()
	for _, name := range []string{AttrType, AttrSubject, AttrDataSchema, AttrDataContentType} {
		e := base()
		set(e, name, e.Attributes.Value(name)+"!")
		if e.Digest() == want {
			t.Errorf("another %s gives the same digest", name)
		}
	}
	e := base()
	e.Data = []byte("y")
	if e.Digest() == want {
		t.Error("other data gives the same digest")
	}
	e = base()
	set(e, AttrTime, "2027-01-01T00:00:00Z")
	e.Attributes = append(e.Attributes, Attribute{"traceparent", "00-1"})
	if e.Digest() != want {
		t.Error("time and tracing must not count: a resend carries new ones")
	}
	// lengths separate the parts
	a, b := base(), base()
	set(a, AttrType, "ts")
	set(a, AttrSubject, "")
	if a.Digest() == b.Digest() {
		t.Error("moving a character between parts gives the same digest")
	}
}

// set changes an attribute that is there.
func set(e *Event, name, value string) {
	for i, a := range e.Attributes {
		if a.Name == name {
			e.Attributes[i].Value = value
		}
	}
}

func TestKeyFallsBack(t *testing.T) {
	e := &Event{Attributes: Attributes{{AttrSource, "src"}, {AttrSubject, "sub"}, {"correlationid", "case"}}}
	for _, step := range []struct{ remove, want string }{{"", "case"}, {"correlationid", "sub"}, {AttrSubject, "src"}} {
		e.Attributes = slices.DeleteFunc(e.Attributes, func(a Attribute) bool { return a.Name == step.remove })
		if got := e.Key(); got != step.want {
			t.Errorf("without %q the key is %q, want %q", step.remove, got, step.want)
		}
	}
}

// TestAttributes: an attribute with an empty value is set; each becomes a header.
func TestAttributes(t *testing.T) {
	a := Attributes{{AttrID, "1"}, {AttrSubject, ""}, {"x", "ä"}}
	for _, c := range []struct {
		name, value string
		set         bool
	}{{AttrID, "1", true}, {AttrSubject, "", true}, {"x", "ä", true}, {"ID", "", false}, {AttrTime, "", false}, {"", "", false}} {
		if value, set := a.Get(c.name); value != c.value || set != c.set || a.Value(c.name) != value {
			t.Errorf("%s is %q (%v), want %q (%v)", c.name, value, set, c.value, c.set)
		}
	}
	h := map[string][]string{"ce-x": {"another"}}
	a.Binary(h)
	if want := map[string][]string{"ce-id": {"1"}, "ce-subject": {""}, "ce-x": {"%C3%A4"}}; !maps.EqualFunc(h, want, slices.Equal) {
		t.Errorf("headers are %v, want %v", h, want)
	}
}
