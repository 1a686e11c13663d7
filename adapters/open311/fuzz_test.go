package open311

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/schemas"
)

// FuzzReport: what is read of an entry becomes events that keep their schemas, and the
// reason why it is not quotes nothing.
func FuzzReport(f *testing.F) {
	f.Add("47-2026", "closed", "001", "Straße", "2026-10-05T18:42:10+02:00", "Erledigt.", "Bau 3")
	f.Add("1", "open", "x", "", "2026-10-05T18:42:10Z", "a@b 0171 234567", "…")
	f.Fuzz(func(t *testing.T, id, status, code, name, at, notes, agency string) {
		set := defaults(hub.Env{Adapter: "x"}, "klarschiff")
		set.Source = "urn:x"
		rep, why := set.read(georeport.Fields{
			"service_request_id": id, "status": status, "service_code": code, "service_name": name,
			"requested_datetime": at, "status_notes": notes, "agency_responsible": agency,
		})
		if why != "" {
			return
		}
		of := matter{Case: caseOf(set.Source, rep.ID)}
		ended, err := set.ended(of, rep.meldung, rep)
		valid(t, ended, err)
		given, err := set.assigned(of, rep.meldung, rep)
		if rep.Agency != "" {
			valid(t, given, err)
		}
		if utf8.RuneCountInString(rep.Notes) > 4000 || strings.Contains(rep.Notes, "a@b") {
			t.Fatal("notes")
		}
	})
}

func valid(t *testing.T, e hub.Event, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := schemas.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	schema, _ := registry.ByID(e.DataSchema())
	var doc any
	dec := json.NewDecoder(strings.NewReader(string(e.Data())))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if found := schema.Validate(doc); found != nil {
		t.Fatalf("%s: %v\n%s", e.Type(), found, e.Data())
	}
}

// FuzzOutgoing: an event that forwards a report becomes a form within the bounds of
// GeoReport, or a Permanent Fault that quotes nothing.
func FuzzOutgoing(f *testing.F) {
	f.Add([]byte(`{"meldung":{"id":"1","kategorie":"x"},"beschreibung":"Loch","ort":{"breite":48,"laenge":11}}`))
	f.Add([]byte(`{"meldung":{"id":"1","kategorie":"x"},"ort":{"angabe":"hier"},"fotos":[1]}`))
	set := defaults(adaptertest.Env(f.TempDir()), "georeport")
	f.Fuzz(func(t *testing.T, data []byte) {
		e := cloudevents.New()
		e.SetType(typeForwarded)
		e.DataEncoded = data
		out, err := set.outgoing(e)
		if err != nil {
			if !hub.FaultOf(err).Permanent {
				t.Fatal(err)
			}
			return
		}
		form := out.form(&set, mark(madeOf("x")))
		if n := utf8.RuneCountInString(form.Get("description")); n > maxDescription {
			t.Fatalf("%d characters", n)
		}
		for name := range form {
			switch name {
			case "service_code", "description", "lat", "long", "address_string":
			default:
				t.Fatalf("parameter %s", name)
			}
		}
	})
}
