package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/hub"
)

// Want is an event that must come of an input.
type Want struct {
	hub.EventRef
	// Check looks at the rest of the event; nil asks for nothing more.
	Check func(hub.Event) error
}

// Exactly wants e with all attributes and data bytes as they are, except time.
func Exactly(e hub.Event) Want {
	return Want{EventRef: refOf(e), Check: func(got hub.Event) error {
		if d := difference(e, got); d != "" {
			return fmt.Errorf("%s differs", d)
		}
		if diff := cmp.Diff(e.Extensions(), got.Extensions()); diff != "" {
			return fmt.Errorf("extensions differ (-want +got):\n%s", diff)
		}
		return nil
	}}
}

func (w Want) same(other Want) bool { return w.EventRef == other.EventRef }

// wanted tells whether e is one of want.
func wanted(want []Want, e hub.Event) bool {
	return slices.ContainsFunc(want, Want{EventRef: refOf(e)}.same)
}

func refOf(e hub.Event) hub.EventRef {
	return hub.EventRef{Source: e.Source(), ID: e.ID(), Type: e.Type()}
}

// identity is that of CloudEvents: source and id.
func identity(ref hub.EventRef) string { return ref.Source + "\x00" + ref.ID }

// key is what the hub keeps order by.
func key(e hub.Event) string {
	if c, ok := e.Extensions()[hub.AttrCorrelationID].(string); ok && c != "" {
		return c
	}
	if e.Subject() != "" {
		return e.Subject()
	}
	return e.Source()
}

// difference names the first thing that makes two events of one identity differ
// for the hub; "" means none.
func difference(a, b hub.Event) string {
	switch {
	case a.Type() != b.Type():
		return "type"
	case a.Subject() != b.Subject():
		return "subject"
	case a.DataSchema() != b.DataSchema():
		return "dataschema"
	case a.DataContentType() != b.DataContentType():
		return "datacontenttype"
	case !bytes.Equal(a.Data(), b.Data()):
		return "data"
	}
	return ""
}

// claim is what data says of a blob; size -1 and sha256 "" mean nothing.
type claim struct {
	ref, sha256 string
	size        float64
}

// blobClaims finds every string "blob:…" in JSON data, with what stands beside.
func blobClaims(e hub.Event) []claim {
	var data any
	if json.Unmarshal(e.Data(), &data) != nil {
		return nil
	}
	return claimsIn(data, nil)
}

func claimsIn(v any, beside map[string]any) []claim {
	var found []claim
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "blob:") {
			found = append(found, newClaim(v, beside))
		}
	case []any:
		for _, item := range v {
			found = append(found, claimsIn(item, nil)...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			var siblings map[string]any
			if name == "ref" {
				siblings = v
			}
			found = append(found, claimsIn(v[name], siblings)...)
		}
	}
	return found
}

func newClaim(ref string, beside map[string]any) claim {
	c := claim{ref: ref, size: -1}
	if sum, ok := beside["sha256"].(string); ok {
		c.sha256 = sum
	}
	if size, ok := beside["size"].(float64); ok {
		c.size = size
	}
	return c
}

// leak finds a value of e's data that stands in text; "" means none. Short
// values may stand there by chance.
func leak(e hub.Event, text string) string {
	const telling = 5
	var data any
	if json.Unmarshal(e.Data(), &data) != nil {
		data = string(e.Data())
	}
	for _, s := range stringsIn(data) {
		if len(s) >= telling && strings.Contains(text, s) {
			return s
		}
	}
	return ""
}

func stringsIn(v any) []string {
	var found []string
	switch v := v.(type) {
	case string:
		found = append(found, v)
	case []any:
		for _, item := range v {
			found = append(found, stringsIn(item)...)
		}
	case map[string]any:
		for _, item := range v {
			found = append(found, stringsIn(item)...)
		}
	}
	return found
}
