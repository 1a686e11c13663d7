package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// secret stands in what only alpha.app and beta.one may see.
const secret = "GEHEIM"

// blobRef is of bytes that everybody knows: knowing them gives nobody a right.
const blobRef = "blob:n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"

// room is what HTTP routes reach of an application's.
type room struct {
	app     string
	source  string // that it owns
	refused string // where it reads what became of its refused event
	lease   string // token of an event in its hand
}

// knock is a request of an operation of the OpenAPI document for something of a room.
type knock struct {
	operation string
	foreign   int          // how whoever is not at home is answered
	recorded  refusal.Code // as what it stands in the trail; "": it does not
	ask       func(t *testing.T, k *asker, r room) *answered
}

const structured, batch = "application/cloudevents+json", "application/cloudevents-batch+json"

var knocks = []knock{
	{"publish", 403, refusal.SourceNotAllowed, func(t *testing.T, k *asker, r room) *answered { return k.event(t, r.event("new")) }},
	// what alpha.app has sent: neither its duplicate nor its conflict shows
	{"publish", 403, refusal.SourceNotAllowed, func(t *testing.T, k *asker, r room) *answered { return k.event(t, r.event("first")) }},
	{"publish", 403, refusal.SourceNotAllowed, func(t *testing.T, k *asker, r room) *answered {
		return k.ask(t, http.MethodPost, "/events", []byte("["+r.event("new")+"]"), "Content-Type", batch)
	}},
	{"check", 403, "", func(t *testing.T, k *asker, r room) *answered {
		return k.ask(t, http.MethodPost, "/check", []byte(r.event("first")), "Content-Type", structured)
	}},
	{"quarantine", 404, refusal.NotFound, func(t *testing.T, k *asker, r room) *answered { return k.ask(t, http.MethodGet, r.refused, nil) }},
	{"leaseEvents", 404, refusal.NotFound, func(t *testing.T, k *asker, r room) *answered {
		return k.ask(t, http.MethodPost, "/mailboxes/"+r.app+"/lease", []byte(`{"max":1}`))
	}},
	{"settleEvents", 404, refusal.NotFound, func(t *testing.T, k *asker, r room) *answered {
		return k.ask(t, http.MethodPost, "/mailboxes/"+r.app+"/settle", r.settlement())
	}},
	{"getBlob", 404, refusal.NotFound, func(t *testing.T, k *asker, r room) *answered {
		return k.ask(t, http.MethodGet, "/mailboxes/"+r.app+"/blobs/"+blobRef, nil)
	}},
	{"streamEvents", 404, refusal.NotFound, func(t *testing.T, k *asker, r room) *answered { return k.stream(t, "/mailboxes/"+r.app+"/events") }},
}

// forAll are operations that everybody is answered: they tell nothing of anybody's.
var forAll = map[string]string{
	"health": "/healthz", "ready": "/readyz", "openapi": "/openapi.json",
	"putBlob": "",                         // tells nothing of what is there: see TestHTTPBlobs
	"metrics": "",                         // for no application: closed
	"consent": "", "consentByBrowser": "", // to be answered with the key alone: unasked
}

func (r room) event(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":%q,"correlationid":%q,"data":{"n":1,"text":%q}}`, id, r.source, hubtest.Ding, id, secret)
}

func (r room) settlement() []byte {
	return fmt.Appendf(nil, `[{"token":%q,"outcome":"done"}]`, r.lease)
}

// TestHTTPIsolation: every route, for what is one's own, another's and nobody's, with
// no credential, one that lets nobody in, and another's. Nothing foreign is seen or
// changed, or told apart from what is not there, and what was tried is in the trail.
func TestHTTPIsolation(t *testing.T) {
	k := isolationDoor(t, app.Config{})
	tokens := map[string]string{}
	rooms := map[string]room{}
	for _, id := range []string{"alpha.app", "alpha.second", "beta.one", "beta.two"} {
		org, name, _ := strings.Cut(id, ".")
		tokens[id] = issue(t, k.app, id)
		rooms[id] = furnish(t, k.as(tokens[id]), room{app: id, source: sourceOf(org, name)})
	}
	k.furnished(t)
	rooms["beta.one"] = lease(t, k.as(tokens["beta.one"]), rooms["beta.one"])
	covered(t, k)
	unasked(t, k.as(""), rooms)
	before := k.holds(t)

	for _, n := range nobodies(t, k) {
		for _, r := range rooms {
			for _, x := range knocks {
				x.ask(t, k.as(n.secret), r).want(t, n.what+": "+x.operation+" for "+r.app, http.StatusUnauthorized, string(refusal.Auth))
			}
		}
	}
	tried := map[refusal.Code]uint64{refusal.Auth: uint64(6 * len(rooms) * len(knocks))}
	tried[refusal.Auth] += closed(t, k, append(slices.Collect(maps.Values(tokens)), ""))
	for who, secret := range tokens {
		for _, x := range knocks {
			visit(t, k.as(secret), who, x, rooms, tried)
		}
	}
	if diff := cmp.Diff(before, k.holds(t)); diff != "" {
		t.Errorf("what is stored has changed:\n%s", diff)
	}
	k.atHome(t, tokens, rooms)
	k.wantRecorded(t, tried)
}

// strangers are no application's rooms.
var strangers = []room{
	{"beta.nobody", "urn:test:nobody", "/quarantine/AAAA", "none"},
	{"gamma.one", "urn:x:y", "/quarantine/x", "x"},
	{"*", "*", "/quarantine/*", "*"},
	{"%3E", ">", "/quarantine/%3E", ">"},
	{"beta", "urn:test", "/quarantine/%00", "none"},
	{"beta_one", "urn:test:alphabet", "/quarantine/beta.one", "none"},
	{"BETA.ONE", "URN:test:alpha", "/quarantine/-", "none"},
	{"beta.one%2Fbeta.two", "urn:test:beta-one/../alpha", "/quarantine/a%2Fevents", "none"},
}

// visit knocks at all rooms that are not one's own: all are as if they were not there.
func visit(t *testing.T, k *asker, who string, x knock, rooms map[string]room, tried map[refusal.Code]uint64) {
	t.Helper()
	var like *answered
	for _, r := range slices.Concat(strangers, slices.Collect(maps.Values(rooms))) {
		if r.app == who {
			continue
		}
		what := who + ": " + x.operation + " for " + r.app
		got := x.ask(t, k, r)
		got.want(t, what, x.foreign, got.text("code"))
		if strings.Contains(string(got.raw), secret) {
			t.Errorf("%s is told %s", what, got.raw)
		}
		if like == nil {
			like = got
		}
		if string(got.raw) != string(like.raw) {
			t.Errorf("%s is told apart: %s, not %s", what, got.raw, like.raw)
		}
		if x.recorded != "" {
			tried[x.recorded]++
		}
	}
}

// unasked: consent to webhooks for which nobody was asked tells nothing of whom there
// is.
func unasked(t *testing.T, k *asker, rooms map[string]room) {
	t.Helper()
	for _, r := range slices.Concat(strangers, slices.Collect(maps.Values(rooms))) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			k.ask(t, method, "/webhooks/consent/"+r.app+"?key=x", nil).want(t, "consent for "+r.app, http.StatusNotFound, string(refusal.NotFound))
		}
	}
}

// closed: the metrics, which tell of all, are for nobody of these; gives how many asked.
func closed(t *testing.T, k *asker, secrets []string) uint64 {
	t.Helper()
	for _, s := range secrets {
		k.as(s).ask(t, http.MethodGet, "/metrics", nil).want(t, "the metrics", http.StatusUnauthorized, string(refusal.Auth))
	}
	return uint64(len(secrets))
}

// covered: every operation of the document is in the matrix.
func covered(t *testing.T, k *asker) {
	t.Helper()
	var document struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	must(t, json.Unmarshal(k.ask(t, http.MethodGet, "/openapi.json", nil).raw, &document))
	n := 0
	for path, methods := range document.Paths {
		for method, o := range methods {
			n++
			_, everybody := forAll[o.OperationID]
			if !everybody && !slices.ContainsFunc(knocks, func(x knock) bool { return x.operation == o.OperationID }) {
				t.Errorf("%s %s (%s) is not in the matrix", method, path, o.OperationID)
			}
		}
	}
	if n < len(forAll)+6 {
		t.Errorf("the document has %d operations", n)
	}
	for operation, path := range forAll {
		if path == "" {
			continue
		}
		if got := k.as("").ask(t, http.MethodGet, path, nil); got.status != http.StatusOK || strings.Contains(string(got.raw), secret) {
			t.Errorf("%s is answered %d %s", operation, got.status, got.raw)
		}
	}
}

// atHome: what was tried has taken nothing from those whose it is.
func (k *asker) atHome(t *testing.T, tokens map[string]string, rooms map[string]room) {
	t.Helper()
	one, two := k.as(tokens["beta.one"]), k.as(tokens["beta.two"])
	// a token is good at one's own desk alone
	if got := two.ask(t, http.MethodPost, "/mailboxes/beta.two/settle", rooms["beta.one"].settlement()); !strings.Contains(string(got.raw), `"result":"gone"`) {
		t.Errorf("beta.two settles what beta.one has leased: %s", got.raw)
	}
	if got := one.ask(t, http.MethodPost, "/mailboxes/beta.one/settle", rooms["beta.one"].settlement()); !strings.Contains(string(got.raw), `"result":"done"`) {
		t.Errorf("beta.one settles: %s", got.raw)
	}
	lease(t, one, rooms["beta.one"])
	lease(t, two, rooms["beta.two"])
	lease(t, two, rooms["beta.two"])
	for id, r := range rooms {
		k.as(tokens[id]).ask(t, http.MethodGet, r.refused, nil).want(t, id+": its own refused event", http.StatusOK, string(refusal.SchemaInvalid))
	}
	app := k.as(tokens["alpha.app"])
	if again := app.event(t, rooms["alpha.app"].event("first")); again.body["duplicate"] != true {
		t.Errorf("alpha.app sends again: %s", again.raw)
	}
	app.event(t, rooms["alpha.app"].event("third")).want(t, "alpha.app sends", http.StatusAccepted, "")
}

// wantRecorded: the trail says how often what was refused.
func (k *asker) wantRecorded(t *testing.T, want map[refusal.Code]uint64) {
	t.Helper()
	must(t, k.app.FlushRefusals(t.Context()))
	got := map[refusal.Code]uint64{}
	must(t, k.b.Read(t.Context(), bus.Trail, 1, []string{"trail.refused.>"}, func(m *event.Message) error {
		if strings.Contains(string(m.Data), secret) {
			t.Errorf("the trail tells %s", m.Data)
		}
		d, err := trail.ReadDoorRefusal(m)
		if err == nil {
			got[d.Code] += d.Count
		}
		return err
	}))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the trail has other counts of refusals:\n%s", diff)
	}
}
