package georeport_test

import (
	"testing"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

// Answers as servers of other towns write them: each has the report 4711, open, as the
// specification would have it.
func TestStrangers(t *testing.T) {
	for name, c := range map[string]struct{ format, body string }{
		"FixMyStreet of old, each value in a list": {georeport.JSON, `{"requests":[{"request":[{"service_request_id":[4711],"status":["open"],"lat":["48.1"]}]}]}`},
		"FixMyStreet":                                 {georeport.JSON, `{"service_requests":[{"service_request_id":4711,"status":"open","agency_responsible":{"recipient":["A","B"]},"title":"x"}]}`},
		"Helsinki, extended_attributes":               {georeport.JSON, `[{"service_request_id":"4711","status":"open","extended_attributes":{"title":"x","media_urls":[],"detailed_status":"received"}}]`},
		"a byte order mark, numbers as text and null": {georeport.JSON, "\xef\xbb\xbf[{\"service_request_id\":\"4711\",\"status\":\"open\",\"lat\":\"\",\"long\":null}]"},
		"Rails of old, with types":                    {georeport.XML, `<?xml version="1.0" encoding="UTF-8"?><service-requests type="array"><request><service-request-id type="integer">4711</service-request-id><status>open</status><status-notes nil="true"/></request></service-requests>`},
		"fields as attributes":                        {georeport.XML, `<service_requests><request service_request_id="4711" status="open" lat="48.1"/></service_requests>`},
		"the answer to a POST, Klarschiff":            {georeport.XML, `<request><service_request_id>4711</service_request_id><status>open</status></request>`},
		"a namespace and a schema":                    {georeport.XML, `<o:service_requests xmlns:o="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x y.xsd"><o:request><o:service_request_id>4711</o:service_request_id><o:status><![CDATA[open]]></o:status></o:request></o:service_requests>`},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := georeport.List(c.format, []byte(c.body))
			if err != nil || len(list) != 1 || list[0].Bad != "" {
				t.Fatal(list, err)
			}
			if f := list[0].Fields; f["service_request_id"] != "4711" || f["status"] != "open" {
				t.Error(f)
			}
		})
	}
	for _, empty := range []string{`{"requests":null}`, `{"service_requests":[]}`, `[]`} {
		if list, err := georeport.List(georeport.JSON, []byte(empty)); err != nil || len(list) != 0 {
			t.Errorf("%s: %v %v", empty, list, err)
		}
	}
	one, err := georeport.List(georeport.XML, []byte(`<requests><request><notes><note><text>neu</text></note></notes></request></requests>`))
	if err != nil || one[0].Fields.First("notes.note.*.text") != "neu" {
		t.Error("a list of one in XML is not read as a list", one, err)
	}
}
