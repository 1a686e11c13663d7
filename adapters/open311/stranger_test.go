package open311_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
)

// What FixMyStreet itself writes (perllib/FixMyStreet/App/Controller/Open311.pm): the
// category's name as its code, no status for what is closed without having been fixed, a
// server that shows a day as expected_datetime.
func TestFixMyStreetItself(t *testing.T) {
	at := time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)
	body := fmt.Sprintf(`{"service_requests":[
		{"service_request_id":1,"service_code":"Strasse/Trottoir/Platz","service_name":"Strasse/Trottoir/Platz","status":"open",
		 "requested_datetime":%[1]q,"updated_datetime":%[1]q,"expected_datetime":"2026-12-24","agency_responsible":{"recipient":["Tiefbauamt"]}},
		{"service_request_id":2,"service_code":"Grünflächen","status":null,"requested_datetime":%[1]q,"updated_datetime":%[1]q}]}`, at)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
	t.Cleanup(server.Close)
	c := newTown(t, open311sim.Settings{})
	c.url = server.URL
	in := adaptertest.NewIntake()
	events := play(t, c.source(t, c.settings("portal", anyRate, "dialect: fixmystreet")), in, 4)
	if got := types(events); got != "meldung-eingegangen meldung-zugewiesen meldung-eingegangen meldung-nicht-loesbar" {
		t.Fatal(got)
	}
	keys := map[any]bool{}
	for _, e := range events {
		keys[dataOf(t, e)["meldung"].(map[string]any)["kategorie"]] = true //nolint:errcheck // its schema says so
	}
	if !keys["strasse-trottoir-platz"] || !keys["gruenflaechen"] || len(keys) != 2 {
		t.Error(keys)
	}
	if _, there := dataOf(t, events[0])["erwartet"]; there {
		t.Error("a day was made a moment")
	}
}

// A server of Mark-a-Spot that gives fewer entries than it is asked for says how many
// there are: nothing behind the first page is missed.
func TestFewerThanAskedFor(t *testing.T) {
	c := newTown(t, open311sim.Settings{Dialect: "mark-a-spot", Limit: 7})
	for n := range 40 {
		c.put(t, open311sim.Report{ID: fmt.Sprint(n), Service: "licht"})
	}
	play(t, c.source(t, c.settings("portal", anyRate, "dialect: mark-a-spot")), adaptertest.NewIntake(), 40)
}
