package send_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

// valid holds events against the schemas of their types.
func valid(t *testing.T, all []hub.Event) {
	t.Helper()
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		schema, known := registry.Lookup(e.Type())
		if !known {
			t.Errorf("%s is no type", e.Type())
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(e.Data()))
		decoder.UseNumber()
		var doc any
		if err := decoder.Decode(&doc); err != nil {
			t.Fatal(err)
		}
		if found := schema.Validate(doc); found != nil {
			t.Errorf("%s: %v", e.Type(), found)
		}
	}
}
