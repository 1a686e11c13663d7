package event

import "testing"

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
		return &Event{Attributes: map[string]string{
			AttrType: "t", AttrSubject: "s", AttrDataSchema: "d", AttrDataContentType: "c", AttrTime: "2026-01-01T00:00:00Z",
		}, Data: []byte("x")}
	}
	want := base().Digest()
	for _, name := range []string{AttrType, AttrSubject, AttrDataSchema, AttrDataContentType} {
		e := base()
		e.Attributes[name] += "!"
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
	e.Attributes[AttrTime], e.Attributes["traceparent"] = "2027-01-01T00:00:00Z", "00-1"
	if e.Digest() != want {
		t.Error("time and tracing must not count: a resend carries new ones")
	}
	// lengths separate the parts
	a, b := base(), base()
	a.Attributes[AttrType], a.Attributes[AttrSubject] = "ts", ""
	b.Attributes[AttrType], b.Attributes[AttrSubject] = "t", "s"
	if a.Digest() == b.Digest() {
		t.Error("moving a character between parts gives the same digest")
	}
}

func TestKeyFallsBack(t *testing.T) {
	e := &Event{Attributes: map[string]string{AttrSource: "src", AttrSubject: "sub", "correlationid": "case"}}
	for _, step := range []struct{ remove, want string }{{"", "case"}, {"correlationid", "sub"}, {AttrSubject, "src"}} {
		delete(e.Attributes, step.remove)
		if got := e.Key(); got != step.want {
			t.Errorf("without %q the key is %q, want %q", step.remove, got, step.want)
		}
	}
}
