package console

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
)

func binary(data string) *event.Message {
	return &event.Message{Header: map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {"a%20b"}, "ce-source": {"urn:x"}, "ce-type": {"de.x.y.v1"}, "Content-Type": {"application/json"},
	}, Data: []byte(data)}
}

// again reads a text that was edited.
func again(text string) (*event.Event, error) {
	e, refused := accept.Decode(&event.Message{Header: map[string][]string{"Content-Type": {"application/cloudevents+json"}}, Data: []byte(text)})
	if refused != nil {
		return nil, refused
	}
	return e, nil
}

// TestEditable: the text is the event, whatever mode it came in, and what does something
// instead of being seen is seen in it; what cannot be read is there to be mended.
func TestEditable(t *testing.T) {
	t.Parallel()
	text, ok := editable(binary("{\"a\":\"x\u202ey\",\"b\":1.50}"))
	e, err := again(text)
	if !ok || err != nil || e.ID() != "a b" || string(e.Data) != `{"a":"x\u202ey","b":1.50}` || strings.Contains(text, "\u202e") {
		t.Errorf("%q: %v", text, err)
	}
	text, ok = editable(binary(`{"a":`))
	if !ok || !strings.Contains(text, `"data": {"a":`) || !strings.Contains(text, `"id": "a b"`) {
		t.Errorf("%q", text)
	}
	if _, err := again(strings.Replace(text, `{"a":`, `{"a":1}`, 1)); err != nil {
		t.Errorf("mended: %v", err)
	}
	plain := binary("bytes \x00\xff")
	plain.Header["Content-Type"] = []string{"application/octet-stream"}
	text, _ = editable(plain)
	if e, err := again(text); err != nil || string(e.Data) != "bytes \x00\xff" {
		t.Errorf("%q: %v", text, err)
	}
	if _, ok := editable(&event.Message{Data: []byte("\xff")}); ok {
		t.Error("bytes that are no text can be edited")
	}
}

func FuzzEditable(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":`, `"\u2028"`, "null", "\xff", `{"specversion":"1.0","id":"1","source":"s","type":"t"}`} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, data string, structured bool) {
		m := binary(data)
		if structured {
			m.Header = map[string][]string{"Content-Type": {"application/cloudevents+json"}}
		}
		text, ok := editable(m)
		if strings.ContainsFunc(text, acts) {
			t.Errorf("%q is not seen", text)
		}
		e, _ := accept.Decode(m)
		if e == nil {
			return
		}
		back, err := again(text)
		if !ok || err != nil || back.ID() != e.ID() || back.Source() != e.Source() || back.Type() != e.Type() {
			t.Errorf("%q became %q: %v", data, text, err)
		}
	})
}
