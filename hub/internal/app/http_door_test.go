package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// thing is a structured event of the test federation.
func thing(id, data string) string { return thingOf(hubtest.Ding, id, data) }

func thingOf(typ, id, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":%q,"data":%s}`, id, hubtest.Source, typ, data)
}

// testDoor starts the hub with the test federation; edit may change its directory.
func testDoor(t *testing.T, cfg app.Config, edit ...func(dir string)) *asker {
	t.Helper()
	cfg.Directory = t.TempDir()
	hubtest.WriteFederation(t, cfg.Directory)
	for _, fn := range edit {
		fn(cfg.Directory)
	}
	return startHTTP(t, cfg, "alpha.app")
}

// sub replaces text in a file of a directory; it must be there.
func sub(t *testing.T, dir, file, from, to string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(file))
	raw, err := os.ReadFile(path)
	must(t, err)
	if !strings.Contains(string(raw), from) {
		t.Fatalf("%s does not hold %q", file, from)
	}
	must(t, os.WriteFile(path, []byte(strings.Replace(string(raw), from, to, 1)), 0o600))
}

func (a *answered) want(t *testing.T, what string, status int, code string) {
	t.Helper()
	if a.status != status || a.text("code") != code {
		t.Errorf("%s is answered %d %q, want %d %q: %s", what, a.status, a.text("code"), status, code, a.raw)
	}
}

func sequence(a *answered) float64 {
	place, _ := a.body["stored"].(map[string]any)
	n, _ := place["sequence"].(float64)
	return n
}

// TestHTTPEvent: stored is stored, the same again is a duplicate at once, other
// content a conflict that is kept nowhere.
func TestHTTPEvent(t *testing.T) {
	w := newWatch()
	k := testDoor(t, app.Config{Observer: w})
	first := k.event(t, thing("1", `{"n":12.50}`))
	first.want(t, "an event", http.StatusAccepted, "")
	if first.text("id") != "1" || first.text("source") != hubtest.Source || sequence(first) != 1 {
		t.Errorf("answered %s", first.raw)
	}
	m, err := k.b.At(t.Context(), bus.EdgeStream("alpha"), 1, "edge.alpha.app."+hubtest.Ding)
	must(t, err)
	if m == nil || string(m.Data) != thing("1", `{"n":12.50}`) || len(m.Header) != 1 {
		t.Fatalf("stored is %+v", m)
	}
	again := k.event(t, thing("1", `{"n":12.50}`))
	again.want(t, "the same event", http.StatusAccepted, "DUPLICATE")
	if again.body["duplicate"] != true || sequence(again) != 1 {
		t.Errorf("the same event is answered %s", again.raw)
	}
	k.event(t, thing("1", `{"n":12.5}`)).want(t, "another content", http.StatusConflict, "CONFLICT")
	// the same in binary mode, once the index knows it
	w.expect(t, 1, 0)
	k.ask(t, http.MethodPost, "/events", []byte(`{"n":12.50}`), "ce-specversion", "1.0", "ce-id", "1", "ce-source", hubtest.Source, "ce-type", hubtest.Ding).
		want(t, "the same event in binary mode", http.StatusAccepted, "DUPLICATE")
	if n := k.stored(t, "alpha"); n != 1 {
		t.Errorf("%d events are stored", n)
	}
}

// TestHTTPBinary: values of headers are read by the HTTP binding: percent-encoded,
// quoted, and no other headers get through.
func TestHTTPBinary(t *testing.T) {
	k := testDoor(t, app.Config{})
	headers := []string{
		"Ce-SpecVersion", "1.0", "CE-ID", "a%20b", "ce-source", hubtest.Source, "ce-type", hubtest.Ding,
		"ce-subject", `"Stra\ße \"%C3%BC\" "`, "Content-Type", "application/json; charset=utf-8",
		"Nats-Rollup", "all", "Nats-Msg-Id", "x", "Amtsbote-Adapter", "x", "X-Forwarded-User", "beta",
	}
	k.ask(t, http.MethodPost, "/events", []byte(`{"n":1}`), headers...).want(t, "an event in headers", http.StatusAccepted, "")
	m, err := k.b.Last(t.Context(), bus.EdgeStream("alpha"), "edge.alpha.app.>")
	must(t, err)
	want := map[string]string{
		"ce-specversion": "1.0", "ce-id": "a%20b", "ce-source": hubtest.Source, "ce-type": hubtest.Ding,
		"ce-subject": "Stra%C3%9Fe%20%22%C3%BC%22%20", "Content-Type": "application/json; charset=utf-8",
	}
	for name, values := range m.Header {
		if want[name] != values[0] || len(values) != 1 {
			t.Errorf("%s is stored as %q, want %q", name, values, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not stored: %v", want)
	}
	headers[9] = `"open`
	k.ask(t, http.MethodPost, "/events", []byte(`{"n":1}`), headers...).want(t, "a quote without its end", http.StatusBadRequest, "CE_HEADER")
}

// TestHTTPQuarantine: what may not pass is told whole and kept, its sender alone finds
// it, and a corrected event supersedes it.
func TestHTTPQuarantine(t *testing.T) {
	k := testDoor(t, app.Config{})
	bad := k.event(t, thing("1", `{"text":7,"n":"x"}`), "Accept-Language", "en-GB, de;q=0.5")
	bad.want(t, "a broken payload", http.StatusUnprocessableEntity, "SCHEMA_INVALID")
	raw, err := json.Marshal(bad.body["violations"])
	must(t, err)
	if want := `[{"detail":"The value is not of the type that is asked for.","pointer":"/data/n","rule":"type"},` +
		`{"detail":"The value is not of the type that is asked for.","pointer":"/data/text","rule":"type"}]`; string(raw) != want {
		t.Errorf("the violations are %s, want %s", raw, want)
	}
	if bad.header.Get("Content-Type") != "application/problem+json" || bad.header.Get("Content-Language") != "en" {
		t.Errorf("answered with %v", bad.header)
	}
	link := bad.text("quarantine")
	if at := k.settled(t, link); at.text("state") != "quarantined" || at.text("code") != "SCHEMA_INVALID" {
		t.Errorf("at the link lies %s", at.raw)
	}
	again := k.event(t, thing("1", `{"text":7,"n":"x"}`))
	again.want(t, "the same again", http.StatusUnprocessableEntity, "SCHEMA_INVALID")
	if again.text("quarantine") != link || k.stored(t, "alpha") != 1 {
		t.Errorf("the same again has the link %s, was %s", again.text("quarantine"), link)
	}
	other := *k
	other.token = issue(t, k.app, "beta.one")
	for what, path := range map[string]string{"another's": link, "a broken link": link[:len(link)-3] + "!", "nothing": "/quarantine/AAAA"} {
		other.ask(t, http.MethodGet, path, nil).want(t, what, http.StatusNotFound, "NOT_FOUND")
	}
	k.event(t, thing("1", `{"n":1}`)).want(t, "the corrected event", http.StatusAccepted, "")
	for at := k.settled(t, link); at.text("state") != "superseded"; at = k.settled(t, link) {
		if at.text("state") != "quarantined" {
			t.Fatalf("after the correction: %s", at.raw)
		}
	}
	none := k.event(t, thingOf(hubtest.Niemand, "2", `{"n":1}`))
	none.want(t, "an event that nobody may have", http.StatusUnprocessableEntity, "NO_AGREEMENT")
	if k.stored(t, "alpha") != 3 {
		t.Errorf("%d events are stored", k.stored(t, "alpha"))
	}
	strict := k.event(t, thing("3", `{}`), "Prefer", "respond-async, handling=strict")
	strict.want(t, "a broken payload, strictly", http.StatusUnprocessableEntity, "SCHEMA_INVALID")
	if strict.text("quarantine") != "" || strict.header.Get("Preference-Applied") != "handling=strict" || k.stored(t, "alpha") != 3 {
		t.Errorf("strictly: %v %s", strict.header, strict.raw)
	}
}

// TestHTTPOddType: a type that cannot stand in a subject is kept in quarantine all the
// same, under its own name.
func TestHTTPOddType(t *testing.T) {
	w := newWatch()
	k := testDoor(t, app.Config{Observer: w})
	for i, typ := range []string{"de.test.>", "*", "a..b", ".", "Ä b", strings.Repeat("ü", 512)} {
		got := k.event(t, thingOf(typ, fmt.Sprint(i), `{}`))
		got.want(t, typ, http.StatusUnprocessableEntity, "TYPE_UNKNOWN")
		ds, _ := w.expect(t, 1, 0)
		if ds[0].Code != "TYPE_UNKNOWN" || ds[0].Type != typ || ds[0].Application != "alpha.app" {
			t.Errorf("%q is decided as %s %s of %s", typ, ds[0].Code, ds[0].Type, ds[0].Application)
		}
	}
}

// TestHTTPCheck: the same answers, and nothing is kept.
func TestHTTPCheck(t *testing.T) {
	k := testDoor(t, app.Config{})
	check := func(body string) *answered {
		return k.ask(t, http.MethodPost, "/check", []byte(body), "Content-Type", "application/cloudevents+json")
	}
	good := check(thing("1", `{"n":1}`))
	good.want(t, "a good event", http.StatusOK, "")
	if raw, _ := json.Marshal(good.body["receivers"]); string(raw) != `[{"agreement":"ding-eins","application":"beta.one"},{"agreement":"ding-zwei","application":"beta.two"}]` {
		t.Errorf("it would go to %s", raw)
	}
	bad := check(thing("1", `{}`))
	bad.want(t, "a broken one", http.StatusUnprocessableEntity, "SCHEMA_INVALID")
	if bad.text("quarantine") != "" {
		t.Errorf("a check names %s", bad.text("quarantine"))
	}
	check(strings.Replace(thing("1", `{}`), "alpha", "beta", 1)).want(t, "a foreign one", http.StatusForbidden, "SOURCE_NOT_ALLOWED")
	if n := k.stored(t, "alpha"); n != 0 {
		t.Errorf("checks have stored %d", n)
	}
}

// TestHTTPBatch: one result an event, in order; an event repeats, contradicts or
// corrects an earlier one of the same batch; a foreign source refuses it whole.
func TestHTTPBatch(t *testing.T) {
	k := testDoor(t, app.Config{})
	batch := func(events ...string) *answered {
		return k.ask(t, http.MethodPost, "/events", []byte("["+strings.Join(events, ",")+"]"), "Content-Type", "application/cloudevents-batch+json; charset=UTF-8")
	}
	got := batch(thing("1", `{"n":1}`), thing("1", `{"n":2}`), thing("2", `{}`), thing("2", `{"n":2}`), `{"id":"3"}`, thing("1", `{"n":1}`), thing("4", `{"n":1e999}`))
	if got.status != http.StatusMultiStatus {
		t.Fatalf("answered %d %s", got.status, got.raw)
	}
	var body struct {
		Results []struct {
			Status    int
			ID, Code  string
			Duplicate bool
			Stored    struct{ Sequence int }
			Problem   struct{ Quarantine string }
		}
	}
	must(t, json.Unmarshal(got.raw, &body))
	var told []string
	for _, r := range body.Results {
		told = append(told, fmt.Sprintf("%d%s %d %v", r.Status, r.Code, r.Stored.Sequence, r.Problem.Quarantine != ""))
	}
	want := []string{"202 1 false", "409CONFLICT 0 false", "422SCHEMA_INVALID 2 true", "202 3 false", "400CE_REQUIRED 0 false", "202DUPLICATE 1 false", "422NUMBER_LIMIT 4 true"}
	if strings.Join(told, "|") != strings.Join(want, "|") {
		t.Errorf("answered\n%q, want\n%q", told, want)
	}
	first, err := k.b.At(t.Context(), bus.EdgeStream("alpha"), 1, ">")
	must(t, err)
	last, err := k.b.At(t.Context(), bus.EdgeStream("alpha"), 4, ">")
	must(t, err)
	if id := first.Get("Nats-Batch-Id"); id == "" || id != last.Get("Nats-Batch-Id") {
		t.Errorf("the events were not stored in one step: %v, %v", first.Header, last.Header)
	}
	foreign := batch(thing("5", `{"n":1}`), strings.Replace(thing("6", `{"n":1}`), "alpha", "beta", 1))
	foreign.want(t, "a batch with a foreign source", http.StatusForbidden, "SOURCE_NOT_ALLOWED")
	if raw, _ := json.Marshal(foreign.body["violations"]); !strings.Contains(string(raw), `"pointer":"/1/source"`) {
		t.Errorf("the violations are %s", raw)
	}
	if n := k.stored(t, "alpha"); n != 4 {
		t.Errorf("%d events are stored", n)
	}
}

// TestHTTPRefusalsAreRecorded: what was refused and kept nowhere stands in the trail,
// one record for each application and code, also when the hub stops right after it.
func TestHTTPRefusalsAreRecorded(t *testing.T) {
	cfg := app.Config{Directory: t.TempDir(), Data: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0", HTTP: &app.HTTP{Listen: "127.0.0.1:0"}}
	hubtest.WriteFederation(t, cfg.Directory)
	a := startApp(t, cfg)
	k := &asker{app: a, host: strings.TrimPrefix(a.HTTPURL(), "http://"), token: issue(t, a, "alpha.app")}
	for range 3 {
		k.event(t, `{"id":`).want(t, "no JSON", http.StatusBadRequest, "JSON_SYNTAX")
	}
	foreign := strings.Replace(thing("secret-id", `{"n":1}`), "alpha", "beta", 1)
	k.event(t, foreign).want(t, "a foreign source", http.StatusForbidden, "SOURCE_NOT_ALLOWED")
	k.event(t, thing("1", `{}`), "Prefer", "handling=strict").want(t, "a broken payload, strictly", http.StatusUnprocessableEntity, "SCHEMA_INVALID")
	k.ask(t, http.MethodPost, "/check", []byte(`{`), "Content-Type", "application/cloudevents+json").want(t, "a check of no JSON", http.StatusBadRequest, "JSON_SYNTAX")
	stopApp(t, a)
	got := map[string]string{}
	must(t, app.Look(t.Context(), cfg.Data, nil, func(ctx context.Context, l *app.Looking) error {
		return l.Bus.Read(ctx, bus.Trail, 1, []string{"trail." + decision.KindRefused + ".>"}, func(m *event.Message) error {
			d, err := trail.ReadDoorRefusal(m)
			got[string(d.Code)] += fmt.Sprint(d.Application, " ", d.Count, " ", len(d.Digests))
			if strings.Contains(string(m.Data), "secret-id") {
				t.Errorf("the record holds more than it may: %s", m.Data)
			}
			return err
		})
	}))
	want := map[string]string{"JSON_SYNTAX": "alpha.app 3 1", "SOURCE_NOT_ALLOWED": "alpha.app 1 1", "SCHEMA_INVALID": "alpha.app 1 1"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the trail has %v, want %v", got, want)
	}
}

// TestHTTPLimits: who asks too often is told so and when to go on, and slows nobody
// else; a full quota is told.
func TestHTTPLimits(t *testing.T) {
	k := testDoor(t, app.Config{}, func(dir string) {
		sub(t, dir, "organisations/alpha.yaml", "role: authority\n", "role: authority\nquota: 64KiB\nlimits: {rate: 1500}\n")
		sub(t, dir, "organisations/alpha.yaml", "    title: Alpha\n", "    title: Alpha\n    limits: {rate: 1, body: 512KiB}\n")
	})
	var full *answered
	for i := 0; i < 100 && (full == nil || full.status == http.StatusAccepted); i++ {
		full = k.event(t, fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":%q,"type":%q,"comment":%q,"data":{"n":1}}`, i, hubtest.Source, hubtest.Ding, strings.Repeat("x", 1000)))
	}
	full.want(t, "an event beyond the quota", http.StatusInsufficientStorage, "QUOTA_FULL")
	if full.header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	k.ask(t, http.MethodPost, "/events", make([]byte, 513<<10), "Content-Type", "application/cloudevents-batch+json").
		want(t, "a batch that is too large", http.StatusRequestEntityTooLarge, "TOO_LARGE")
	var slow *answered
	for i := 0; i < 1100 && (slow == nil || slow.status != http.StatusTooManyRequests); i++ {
		slow = k.ask(t, http.MethodGet, "/quarantine/x", nil)
	}
	slow.want(t, "the request after a thousand", http.StatusTooManyRequests, "RATE_LIMIT")
	if slow.header.Get("Retry-After") != "1" {
		t.Errorf("it says to try again after %q", slow.header.Get("Retry-After"))
	}
	other := *k
	other.token = issue(t, k.app, "beta.one")
	other.ask(t, http.MethodGet, "/quarantine/x", nil).want(t, "another organisation", http.StatusNotFound, "NOT_FOUND")
}
