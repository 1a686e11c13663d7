package accept

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// FuzzStructured: whatever a sender writes, the gate neither panics nor wavers,
// and what it lets pass as JSON is JSON.
func FuzzStructured(f *testing.F) {
	for _, s := range []string{
		`{"specversion":"1.0","id":"1","source":"urn:x","type":"t","data":{"n":12.50}}`,
		`{"specversion":"1.0","id":"1","source":"urn:x","type":"t","data_base64":"AAEC","datacontenttype":"application/pdf"}`,
		`{"specversion":"1.0","id":"1","source":"urn:x","type":"t","data":"text","datacontenttype":"text/plain","sequence":5,"b":true,"time":"2026-01-01T00:00:00Z"}`,
		`{"id":"1","id":"2"}`, `[{}]`, `null`, `{"data":1e999}`, `{"a":"\ud800"}`, "\xef\xbb\xbf{}", `{"data":null,"data":1}`,
	} {
		f.Add([]byte(s))
	}
	for _, s := range corpus.Seeds(f, "ce", "batch") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		verdict(t, map[string][]string{"Content-Type": {"application/cloudevents+json"}}, data)
	})
}

// FuzzBinary does the same for headers.
func FuzzBinary(f *testing.F) {
	f.Add("1", "urn:x", "t", "application/json", "x%20y", []byte(`{"n":1}`))
	f.Add("%C3%A4", "urn:x:%", "t", "text/xml; charset=utf-8", "%zz", []byte("<a/>"))
	for _, s := range corpus.Seeds(f, "payload", "schema") {
		f.Add("1", "urn:x", "t", "application/json", "x", s)
	}
	for _, s := range corpus.Seeds(f, "xml") {
		f.Add("1", "urn:x", "t", "text/xml", "x", s)
	}
	f.Fuzz(func(t *testing.T, id, source, typ, contentType, ext string, data []byte) {
		verdict(t, map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {id}, "ce-source": {source}, "ce-type": {typ},
			"content-type": {contentType}, "Ce-Ext": {ext},
		}, data)
	})
}

// reason is all that a refusal of the gate says beside its code: an attribute's
// name, a member's, or nothing.
var reason = regexp.MustCompile(`^([a-z0-9]{1,32}|data_base64|content-type)?$`)

func verdict(t *testing.T, header map[string][]string, data []byte) {
	t.Helper()
	m := &event.Message{Stream: "IN_x", Seq: 1, Header: header, Data: data, Time: time.Unix(0, 0)}
	e, r := Decode(m)
	again, r2 := Decode(m)
	if (e == nil) == (r == nil) || (r == nil) != (r2 == nil) || (r != nil && *r != *r2) {
		t.Fatalf("the verdict wavers: %v, %v", r, r2)
	}
	if r != nil {
		if !reason.MatchString(r.At) || r.Keyword != "" || !slices.Contains(refusal.Codes(), r.Code) {
			t.Fatalf("the refusal says %q", r)
		}
		return
	}
	if e.Digest() != again.Digest() || e.ID() == "" || e.Source() == "" || e.Type() == "" {
		t.Fatal("an accepted event lacks what makes it one")
	}
	if e.JSON && !json.Valid(e.Data) {
		t.Fatalf("passed as JSON: %q", e.Data)
	}
	for i, a := range e.Attributes {
		if back, ok := event.PercentDecode(event.PercentEncode(a.Value)); !ok || back != a.Value {
			t.Fatalf("attribute %s does not survive a header", a.Name)
		}
		if slices.ContainsFunc(e.Attributes[:i], func(b event.Attribute) bool { return a.Name == b.Name }) {
			t.Fatalf("attribute %s is there twice", a.Name)
		}
	}
}
