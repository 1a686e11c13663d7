package georeport_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

func TestNoList(t *testing.T) {
	for format, bodies := range map[string][]string{
		georeport.JSON: {
			"", "null", "1", `"x"`, "{}", `{"requests":1}`, `[{"a":1}`, `[{"a":1}]]`, "<html></html>", `{"error":"x"}`,
		},
		georeport.XML: {
			"", "<html></html>", "<!DOCTYPE html><html/>", `<!DOCTYPE r [<!ENTITY e "x">]><service_requests><request>&e;</request></service_requests>`,
			"<service_requests><request>", "<service_requests/><service_requests/>", "[]",
			`<?xml version="1.0" encoding="ISO-8859-1"?><service_requests/>`,
			strings.Repeat("<service_requests>", 100) + strings.Repeat("</service_requests>", 100),
		},
	} {
		for _, body := range bodies {
			if list, err := georeport.List(format, []byte(body)); err == nil {
				t.Errorf("%s %.60q: %v", format, body, list)
			}
		}
	}
}

func TestLists(t *testing.T) {
	for name, c := range map[string]struct {
		format, body, path, want string
		bad                      bool
	}{
		"bare":              {georeport.JSON, `[{"status":"open"}]`, "status", "open", false},
		"Mark-a-Spot":       {georeport.JSON, `{"meta":{"total":1},"requests":[{"extended_attributes":{"markaspot":{"status_notes":[{"status_note":"alt"},{"status_note":"neu"}]}}}]}`, "extended_attributes.markaspot.status_notes.*.status_note", "neu", false},
		"POST, Mark-a-Spot": {georeport.JSON, `{"service_requests":{"request":{"service_request_id":"47-2026"}}}`, "service_request_id", "47-2026", false},
		"FixMyStreet":       {georeport.JSON, `{"requests":[{"request":[{"agency_responsible":{"recipient":["Bau"]}}]}]}`, "agency_responsible.recipient.*", "Bau", false},
		"each by its name":  {georeport.JSON, `[{"service":{"service_code":"1"}}]`, "service_code", "1", false},
		"leading zeros":     {georeport.JSON, `[{"a":"x \" 01","service_code":007 }]`, "service_code", "007", false},
		"zero":              {georeport.JSON, `[{"lat":0,"long":0.5,"n":10,"m":-0.1e-05}]`, "m", "-0.1e-05", false},
		"a large number":    {georeport.JSON, `[{"service_request_id":12345678901234567890123}]`, "service_request_id", "12345678901234567890123", false},
		"no object":         {georeport.JSON, `["x"]`, "", "", true},
		"too deep":          {georeport.JSON, `[` + strings.Repeat(`{"a":`, 20) + `1` + strings.Repeat("}", 20) + `]`, "", "", true},
		"a list of fields":  {georeport.XML, `<service_requests><request><n><v>1</v><v>2</v></n></request></service_requests>`, "n.v.*", "2", false},
		"bare text":         {georeport.XML, `<service_requests><request>x</request></service_requests>`, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := georeport.List(c.format, []byte(c.body))
			if err != nil || len(list) != 1 || (list[0].Bad != "") != c.bad {
				t.Fatal(list, err)
			}
			if got := list[0].Fields.First(c.path); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	twice := "[" + strings.Repeat("{},", 10_000) + "{}]"
	if _, err := georeport.List(georeport.JSON, []byte(`[{"request":`+twice+`},{"request":`+twice+`}]`)); err == nil {
		t.Error("a list of more entries than any server has was read, by its parts")
	}
	if _, err := georeport.List(georeport.JSON, []byte("["+strings.Repeat("{},", 20_000)+"{}]")); err == nil {
		t.Error("a list of more entries than any server has was read")
	}
	many := "[" + strings.Repeat(`{"a":1},`, 9) + `{` + strings.Repeat(`"x":[1,2,3,4,5,6,7,8],`, 1) + `"y":1}]`
	if list, err := georeport.List(georeport.JSON, []byte(many)); err != nil || len(list) != 10 {
		t.Error(len(list), err)
	}
}

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"127.0.0.1": false, "10.1.2.3": false, "169.254.169.254": false, "192.168.0.1": false, "100.64.0.1": false, "0.0.0.0": false,
		"::1": false, "::ffff:127.0.0.1": false, "fe80::1": false, "fc00::1": false, "64:ff9b::7f00:1": false, "224.0.0.1": false,
		"255.255.255.255": false, "2002:7f00:1::": false, "93.184.216.34": true, "2a00:1450:4001::1": true,
	} {
		if got := georeport.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
