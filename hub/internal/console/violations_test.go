package console

import (
	"testing"

	"github.com/amtsbote/amtsbote/schemas"
)

// TestOfSperre: a place within a Sperre is one, at any depth; that of an attribute, and
// the whole of the data, is none.
func TestOfSperre(t *testing.T) {
	fields := map[string]schemas.Field{"/a": {}, "/a/sperre": {Sperre: "s"}}
	for at, want := range map[string]bool{
		"": false, "id": false, "ce-id": false, "/data": false, "/data/a": false, "/data/a/b": false,
		"/data/a/sperre": true, "/data/a/sperre/b": true, "/data/a/0/sperre": true,
	} {
		if got := ofSperre(fields, plainPointer(at)); got != want {
			t.Errorf("%q: %v", at, got)
		}
	}
}
