package georeport_test

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

// FuzzList: whatever a server answers, each entry is fields or a reason, and no field
// is empty.
func FuzzList(f *testing.F) {
	for _, seed := range []string{
		`[{"service_request_id":001,"status":"open","lat":37.7}]`, `{"requests":[{"a":{"b":[1,null,true]}}],"meta":{}}`,
		`<service_requests><request><status>open</status></request></service_requests>`, `{"token":"x"}`, "\xef\xbb\xbf[]",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, xml bool) {
		format := georeport.JSON
		if xml {
			format = georeport.XML
		}
		list, err := georeport.List(format, body)
		if err != nil && list != nil {
			t.Fatal("a list and an error")
		}
		for _, e := range list {
			if (e.Fields == nil) == (e.Bad == "") {
				t.Fatal("neither fields nor a reason")
			}
			for name, v := range e.Fields {
				if v == "" || utf8.ValidString(string(body)) && !utf8.ValidString(v) {
					t.Fatalf("field %q", name)
				}
			}
			e.Fields.First("a.*.b", "status_notes.*")
		}
	})
}

// FuzzTime: what is a time can be written again.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{"1994-11-05T08:15:30-05:00", "2026-01-01T00:00Z", "2026-07-01 08:00:00", "9000-01-01 0:00:00", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := georeport.Time(text, time.UTC)
		if err != nil {
			return
		}
		again, err := georeport.Time(georeport.Stamp(at), nil)
		if err != nil || again.Unix() != at.Unix() {
			t.Fatal(at, again, err)
		}
	})
}
