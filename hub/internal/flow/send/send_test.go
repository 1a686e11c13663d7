package send

import (
	"reflect"
	"strings"
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
	copies, err := New(registry).Copies(d, &event.Event{Data: []byte(data), JSON: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`{"a":"1","b":"2"}`, `{"a ":{"b":"3"}}`} {
		if got := string(copies[i].Data); got != want {
			t.Errorf("%s got %s", d.Receivers[i].Application, got)
		}
	}
}

// TestQuarantined: what is refused can be read again as it came; one in binary mode is found by
// its id, as long as it has one that can be a header.
func TestQuarantined(t *testing.T) {
	for _, c := range []struct {
		header map[string][]string
		id     string
		whole  bool // headers and data in an envelope
	}{
		{map[string][]string{"ce-id": {"7"}, "ce-type": {"t"}, "Nats-Msg-Id": {"n"}}, "7", false},
		{map[string][]string{"ce-id": {""}}, "", false},
		{map[string][]string{"ce-id": {"7", "8"}}, "", false},
		{map[string][]string{"ce-id": {" 7"}}, "", true},
		{map[string][]string{"ce-id": {"7\r\nNats-Rollup: all"}}, "", true},
		{map[string][]string{"ce-id": {strings.Repeat("7", maxID)}}, strings.Repeat("7", maxID), false},
		{map[string][]string{"ce-id": {strings.Repeat("7", maxID+1)}}, "", false},
		{map[string][]string{"ce-id": {strings.Repeat("7", maxHeader-100)}}, "", false}, // twice would be too large for the server
		{map[string][]string{"ce-id": {strings.Repeat("7", maxHeader)}}, "", true},
		{map[string][]string{"Content-Type": {"application/cloudevents+json"}}, "", false},
	} {
		m := &event.Message{Stream: "IN_a", Seq: 3, Subject: "in.a.b.c", Header: c.header, Data: []byte(`{"id":"7"}`)}
		q := Quarantined(&decision.Decision{In: "IN_a", Seq: 3, Application: "a.b", Code: "SCHEMA_INVALID"}, m)
		if q.Get("ce-id") != c.id || (q.Get(event.HeaderEnvelope) != "") != c.whole {
			t.Errorf("%.40v: %.200v", c.header, q.Header)
		}
		if got := Refused(&q); !reflect.DeepEqual(got.Header, c.header) || string(got.Data) != string(m.Data) || got.Subject != m.Subject {
			t.Errorf("%.40v: read again %.200v", c.header, got)
		}
		for name := range q.Header {
			if strings.HasPrefix(name, "Nats-") {
				t.Errorf("%.40v: %s would act", c.header, name)
			}
		}
	}
}
