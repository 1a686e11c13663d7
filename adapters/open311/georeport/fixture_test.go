package georeport_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(interop.Path(t, "data", "city", "open311", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, body, ok := strings.Cut(string(raw), "\n\n"); ok && strings.HasPrefix(string(raw), "HTTP/") {
		raw = []byte(body)
	}
	return raw
}

// The examples of the specification say the same in JSON and XML; "001" and "006" are
// no JSON and are read nevertheless, zeros and all.
func TestFixtures(t *testing.T) {
	for _, name := range []string{"request-from-token", "service-list", "service-request", "service-request-post", "service-requests", "errors", "service-definition"} {
		t.Run(name, func(t *testing.T) {
			fromJSON, err := georeport.List(georeport.JSON, fixture(t, "samples/json-"+name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			xml := fixture(t, "samples/xml-"+name+".xml")
			fromXML, err := georeport.List(georeport.XML, xml)
			if name == "service-definition" { // no list in XML, and nothing here asks for one
				if err == nil || fromJSON[0].Fields["attributes.0.code"] != "WHISHETN" {
					t.Error(fromJSON, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(fromXML, fromJSON); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFixtureFields(t *testing.T) {
	list, err := georeport.List(georeport.JSON, fixture(t, "samples/json-service-requests.json"))
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	f := list[0].Fields
	if f["service_code"] != "006" || f["service_request_id"] != "638344" || f["lat"] != "37.762221815" || f["zipcode"] != "94122" ||
		f["media_url"] != "http://city.gov.s3.amazonaws.com/requests/media/638344.jpg" || f["agency_responsible"] != "" {
		t.Error(f)
	}
	fiware, err := georeport.List(georeport.JSON, fixture(t, "fiware-service_requests-example.json"))
	if err != nil || len(fiware) != 1 || fiware[0].Fields["location.coordinates.1"] != "40.62785133667262" {
		t.Error(fiware, err)
	}
	services, err := georeport.List(georeport.JSON, fixture(t, "fiware-services-example.json"))
	if err != nil || services[0].Fields["service_code"] != "234" {
		t.Error(services, err)
	}
}

func TestTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"1994-11-05T08:15:30-05:00": "1994-11-05T13:15:30Z",
		"1994-11-05T13:15:30Z":      "1994-11-05T13:15:30Z",
		"2026-07-01T08:00:00+0200":  "2026-07-01T06:00:00Z",
		"2026-07-01T08:00Z":         "2026-07-01T08:00:00Z",
		"2026-07-01T08:00:00":       "2026-07-01T06:00:00Z",
		"2026-07-01 08:00:00":       "2026-07-01T06:00:00Z",
		"2026-07-01T08:00:00.5+02":  "2026-07-01T06:00:00Z",
		"2026-07-01 08:00:00+02:00": "2026-07-01T06:00:00Z",
		"2026-07-01 08:00:00 +0200": "2026-07-01T06:00:00Z",
		"2026-07-01 08:00:00 UTC":   "2026-07-01T08:00:00Z",
		"2026-07-01 08:00:00 CEST":  "",
		"2026-07-01T08:00":          "2026-07-01T06:00:00Z",
		"2026-07-01":                "",
		"0000-00-00T00:00:00Z":      "",
		"gestern":                   "",
	} {
		got, err := georeport.Time(text, berlin)
		if (err != nil) != (want == "") || err == nil && georeport.Stamp(got) != want {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	if _, err := georeport.Time("2026-07-01T08:00:00", nil); err == nil {
		t.Error("a time without a zone was believed")
	}
}
