package send

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Two receivers have their own cut each, also when the names of their fields
// look alike in a row.
func TestCopiesKeepCutsApart(t *testing.T) {
	const schema = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:amtsbote:schema:de.test.v1", "title": "T",
"type": "object", "additionalProperties": false, "x-nicht-personenbezogen": true, "properties": {
"a": {"type": "string"}, "b": {"type": "string"}, "a ": {"type": "object", "additionalProperties": false, "properties": {"b": {"type": "string"}, "c": {}}}}}`
	const data = `{"a":"1","b":"2","a ":{"b":"3","c":4}}`
	registry := registryOf(t, schema, data)
	d := &decision.Decision{Type: "de.test.v1", Receivers: []decision.Receiver{
		{Application: "x.a", Fields: []string{"/a", "/b"}},
		{Application: "x.b", Fields: []string{"/a /b"}},
	}}
	copies, err := New(registry).Copies(d, &event.Event{Data: []byte(data), JSON: true, Attributes: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`{"a":"1","b":"2"}`, `{"a ":{"b":"3"}}`} {
		if got := string(copies[i].Data); got != want {
			t.Errorf("%s got %s", d.Receivers[i].Application, got)
		}
	}
}
