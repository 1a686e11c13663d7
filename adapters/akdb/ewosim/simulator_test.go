package ewosim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewosim"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

// recordedPerson is a recorded person in the form of the Swagger, as it is
// entered.
func recordedPerson(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(interop.Path(t, "data", "city", "ehrenamt-ewo", "EWOSucheMitOMResponse.json"))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Person json.RawMessage `json:"personErweitert"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	return []byte(strings.NewReplacer(`"@type": "ns2:`, `"_type": "`, `"true"`, "true", `"false"`, "false").Replace(string(answer.Person)))
}

func client(t *testing.T, url string) *ewo.Client {
	t.Helper()
	c, err := eai.Config{URL: url + ewosim.BasePath, Frist: 5 * time.Second}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &ewo.Client{EAI: c, BenutzerID: "8"}
}

// The simulator replays EWOSucheMitOMResponse.json: a person entered in the form
// of the Swagger is answered in the recorded form, key by key.
func TestAnswersAsRecorded(t *testing.T) {
	r := ewosim.NewRegister(nil)
	if err := r.Put(recordedPerson(t)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer((&ewosim.Facade{Register: r, Recorded: true}).Handler())
	t.Cleanup(server.Close)
	res, err := http.Get(server.URL + ewosim.BasePath + "/personErweitert/162015039514?benutzerId=8")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	// These two are in EWOSucheResponse.json.
	raw = regexp.MustCompile(`"_xmlns:xsi":"[^"]*",|,"_xsi:type":"[^"]*"|"_xsi:type":"[^"]*",`).ReplaceAll(raw, nil)
	want, err := os.ReadFile(interop.Path(t, "data", "city", "ehrenamt-ewo", "EWOSucheMitOMResponse.json"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(decoded(t, want), decoded(t, raw)); d != "" {
		t.Error(d)
	}
}

func decoded(t *testing.T, raw []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReadAndSearch(t *testing.T) {
	for _, recorded := range []bool{true, false} {
		r := ewosim.NewRegister(nil)
		person := `{"ordnungsmerkmal":"162000000001","personstatus":"%s","geburtsdaten":{"datum":{"datum":"1985-08-12"}},"namen":{"familienname":{"name":"Zaunkönig"},
 "vornamen":[{"vorname":"Ottilie"}]},"wohnungen":[{"_type":"AktuelleWohnungType","melderegisterAnschrift":{"ort":"München"}}],"passdaten":[{"art":"1"}]}`
		if err := r.Put(fmt.Appendf(nil, person, "AKTUELLER_FESTER_EINWOHNER")); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer((&ewosim.Facade{Register: r, Recorded: recorded}).Handler())
		t.Cleanup(server.Close)
		c := client(t, server.URL)
		p, err := c.Person(t.Context(), "162000000001")
		if err != nil || p.Familienname() != "Zaunkönig" {
			t.Fatal(p, err)
		}
		if w := p.Wohnungen(); len(w) != 1 || w[0].Anschrift.Ort != "München" {
			t.Errorf("the plain record has %+v", w)
		}
		if p, err := c.PersonErweitert(t.Context(), "162000000009"); p != nil || err != nil {
			t.Errorf("unknown: %v, %v", p, err)
		}
		found := ewo.Suche{Familienname: "zaunkönig", Vorname: "Ottilie", Geburtsdatum: &ewo.SuchDatum{Datum: "1985-08-12"}}
		for s, n := range map[*ewo.Suche]int{
			&found: 1, {Familienname: "Zaunkönig", Datensatzstatus: "INAKTUELL"}: 0, {Familienname: "Specht"}: 0,
			{Familienname: "Zaunkönig", Wohnort: "Hamburg"}: 0,
		} {
			plain, err := c.Search(t.Context(), *s)
			if err != nil || len(plain) != n {
				t.Errorf("%+v: %d, %v", s, len(plain), err)
			}
			whole, err := c.SearchErweitert(t.Context(), *s)
			if err != nil || len(whole) != n {
				t.Errorf("%+v: %d, %v", s, len(whole), err)
			}
		}
		if _, err := c.Search(t.Context(), ewo.Suche{Ordnungsmerkmal: "1"}); err == nil {
			t.Error("the plain search asked for an Ordnungsmerkmal")
		}
		byKey, err := c.SearchErweitert(t.Context(), ewo.Suche{Ordnungsmerkmal: "162000000001"})
		if err != nil || len(byKey) != 1 {
			t.Error(byKey, err)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The whole simulator: persons from a file, orders over HTTP, the feed on Kafka
// (aenderungsservice-README.md: the value is the bare Ordnungsmerkmal).
func TestSimulator(t *testing.T) {
	env := adaptertest.Env(t.TempDir())
	env.Federation = env.Dir
	if err := os.WriteFile(filepath.Join(env.Dir, "personen.json"), []byte(`[{"ordnungsmerkmal":"162000000001"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	web, kafka := freePort(t), freePort(t)
	base := fmt.Sprintf("http://127.0.0.1:%d", web)
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() {
		end <- ewosim.Simulator().Run(ctx, env, adaptertest.Settings(fmt.Sprintf(
			"{listen: '127.0.0.1:%d', kafka-port: %d, personen: personen.json, topic: probe}", web, kafka)))
	}()
	c := client(t, base)
	waitFor(t, end, func() bool { p, err := c.PersonErweitert(t.Context(), "162000000001"); return err == nil && p != nil })
	for _, o := range []struct {
		name, body string
		status     int
	}{
		{"personen", `{"ordnungsmerkmal":"162000000002"}`, 204},
		{"personen", `{}`, 400},
		{"aenderungen", `{"ordnungsmerkmal":"162000000001","mal":2}`, 204},
		{"umnummern", `{"von":"162000000001","nach":"162000000003"}`, 204},
		{"umnummern", `{"von":"162000000001","nach":"162000000003"}`, 400},
		{"fehler", `{"art":"500"}`, 204},
		{"fehler", `{"art":"nie"}`, 400},
		{"fehler", `{"unbekannt":1}`, 400},
	} {
		res, err := http.Post(base+"/sim/"+o.name, "application/json", bytes.NewReader([]byte(o.body)))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != o.status {
			t.Errorf("%s %s: %d %s", o.name, o.body, res.StatusCode, text)
		}
	}
	if _, err := c.PersonErweitert(t.Context(), "162000000003"); eai.Code(err) != eai.Failed {
		t.Errorf("the ordered fault did not strike: %v", err)
	}
	p, err := c.PersonErweitert(t.Context(), "162000000003")
	if err != nil {
		t.Fatal(err)
	}
	if former, _ := p.Others(); former != "162000000001" {
		t.Errorf("renumbered: %s", former)
	}
	want := []string{"162000000002", "162000000001", "162000000001", "162000000003"}
	if d := cmp.Diff(want, feed(t, kafka, len(want))); d != "" {
		t.Error(d)
	}
	cancel()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

func waitFor(t *testing.T, end <-chan error, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case err := <-end:
			t.Fatal("the simulator ended: ", err)
		case <-deadline.C:
			t.Fatal("not within two minutes")
		case <-tick.C:
		}
	}
}

func feed(t *testing.T, port, n int) (values []string) {
	t.Helper()
	k, err := kgo.NewClient(kgo.SeedBrokers(fmt.Sprintf("127.0.0.1:%d", port)), kgo.ConsumeTopics("probe"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for len(values) < n && ctx.Err() == nil {
		k.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if len(r.Key) != 0 || len(r.Headers) != 0 {
				t.Errorf("a record has key %q and %d headers", r.Key, len(r.Headers))
			}
			values = append(values, string(r.Value))
		})
	}
	return values
}

func TestSettings(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"{listen: '0.0.0.0:8095'}", "listen"},
		{"{listen: 'example.org:1'}", "listen"},
		{"{partitionen: 0}", "partitionen"},
		{"{form: xml}", "form"},
		{"{benutzer: b}", "passwort"},
		{"{kafka-port: 70000}", "kafka-port"},
	} {
		if err := ewosim.Simulator().Run(t.Context(), adaptertest.Env(t.TempDir()), adaptertest.Settings(c.yaml)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.yaml, err)
		}
	}
}
