package send_test

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/schemas"
)

// Two receivers have their own cut each, also when the names of their fields
// look alike in a row.
func TestCopiesKeepCutsApart(t *testing.T) {
	const schema = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:amtsbote:schema:de.test.v1", "title": "T",
"type": "object", "additionalProperties": false, "x-nicht-personenbezogen": true, "properties": {
"a": {"type": "string"}, "b": {"type": "string"}, "a ": {"type": "object", "additionalProperties": false, "properties": {"b": {"type": "string"}, "c": {}}}}}`
	const data = `{"a":"1","b":"2","a ":{"b":"3","c":4}}`
	files := fstest.MapFS{
		"de.test.v1/schema.json":  {Data: []byte(schema)},
		"de.test.v1/invalid.json": {Data: []byte(`{"1.json":{"pointer":"","keyword":"type"},"2.json":{"pointer":"","keyword":"type"},"3.json":{"pointer":"","keyword":"type"}}`)},
	}
	for i := 1; i <= 3; i++ {
		files[fmt.Sprintf("de.test.v1/valid/%d.json", i)] = &fstest.MapFile{Data: []byte(data)}
		files[fmt.Sprintf("de.test.v1/invalid/%d.json", i)] = &fstest.MapFile{Data: []byte("1")}
	}
	registry, errs := (&schemas.Registry{}).With(files)
	if errs != nil {
		t.Fatal(errs)
	}
	d := &decision.Decision{Type: "de.test.v1", Receivers: []decision.Receiver{
		{Application: "x.a", Fields: []string{"/a", "/b"}},
		{Application: "x.b", Fields: []string{"/a /b"}},
	}}
	copies, err := send.New(registry).Copies(d, &event.Event{Data: []byte(data), JSON: true, Attributes: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`{"a":"1","b":"2"}`, `{"a ":{"b":"3"}}`} {
		if got := string(copies[i].Data); got != want {
			t.Errorf("%s got %s", d.Receivers[i].Application, got)
		}
	}
}
