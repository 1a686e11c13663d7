package flow

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

const (
	corpusType   = "de.beispiel.umzug.gemeldet.v1"
	corpusSchema = "urn:amtsbote:schema:" + corpusType
)

// corpusFederation is the corpus's principal: organisation stadt-a, which owns
// the sources below urn:de:behoerde:stadt-a, and the type of schema-umzug.v1.json.
func corpusFederation(t *testing.T, corpus string) *federation.Federation {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("federation.yaml", []byte("name: Korpus\nenvironment: test\n"))
	write("organisations/stadt-a.yaml", []byte(`id: stadt-a
name: Stadt A
role: authority
authorities: [{key: "ags:09162000", name: Stadt A}]
applications:
  - {id: stadt-a.meldewesen, title: Meldewesen, sources: [{prefix: "urn:de:behoerde:stadt-a", authority: "ags:09162000"}]}
`))
	raw, err := os.ReadFile(filepath.Join(corpus, "schema-umzug.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	schema["$id"], schema["title"], schema["x-nicht-personenbezogen"] = corpusSchema, "Umzug gemeldet", true
	if raw, err = json.Marshal(schema); err != nil {
		t.Fatal(err)
	}
	at := "schemas/" + corpusType + "/"
	write(at+"schema.json", raw)
	write(at+"valid/a.json", []byte(`{"vorgang":"V-1"}`))
	write(at+"valid/b.json", []byte(`{"vorgang":"V-2","betrag":1}`))
	write(at+"invalid/leer.json", []byte(`{}`))
	write(at+"invalid/muster.json", []byte(`{"vorgang":"x"}`))
	write(at+"invalid/mehr.json", []byte(`{"vorgang":"V-1","x":1}`))
	write(at+"invalid.json", []byte(`{"leer.json":{"pointer":"","keyword":"required"},"muster.json":{"pointer":"/vorgang","keyword":"pattern"},"mehr.json":{"pointer":"","keyword":"additionalProperties"}}`))
	fed, found := federation.Load(dir, noKinds{})
	if fed == nil {
		t.Fatal(found)
	}
	return fed
}

// TestCorpusWholeWay decides about every event of the corpus, from the stored
// message to the outcome: what is to be refused at a door is quarantine here, with
// the same code. (The corpus accepts events without data; this hub holds every
// event to the schema of its type.)
func TestCorpusWholeWay(t *testing.T) {
	corpus := filepath.Join("..", "..", "..", "..", "shared", "corpus")
	raw, err := os.ReadFile(filepath.Join(corpus, "index.json"))
	if err != nil {
		if os.Getenv("AMTSBOTE_INTEROP") == "must" {
			t.Fatalf("the corpus must be there: %v", err)
		}
		t.Skipf("not run: the corpus of bad inputs is missing: %v", err)
	}
	var list struct {
		Inputs []struct{ File, Kind, Expect, Code string }
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	fed := corpusFederation(t, corpus)
	decider := &Decider{
		Federation: fed, Now: func() time.Time { return corpusNow },
		Seen: func(event.Identity) (index.Seen, bool) { return index.Seen{}, false },
	}
	n := 0
	for _, in := range list.Inputs {
		if in.Kind != "ce" && in.Kind != "payload" {
			continue
		}
		n++
		t.Run(in.File, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(corpus, in.File))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			d := decider.Decide("stadt-a", corpusEvent(in.Kind, data))
			if took := time.Since(began); took > time.Minute { // hangs
				t.Errorf("the decision took %v", took)
			}
			noData := in.Expect == "accept" && d.Code == "SCHEMA_INVALID" && !bytes.Contains(data, []byte(`"data"`))
			switch {
			case in.Expect == "accept" && d.Outcome != hub.Unrouted && d.Code != "TYPE_UNKNOWN" && !noData:
				t.Errorf("%s %s at %s, want no refusal", d.Outcome, d.Code, d.At)
			case in.Expect != "accept" && (d.Outcome != hub.Quarantined || string(d.Code) != in.Code):
				t.Errorf("%s %s at %s, want quarantine with %s", d.Outcome, d.Code, d.At, in.Code)
			}
		})
	}
	if n < 80 {
		t.Errorf("only %d events were tried", n)
	}
}

// corpusNow is the day on which the corpus was made.
var corpusNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func corpusEvent(kind string, data []byte) *event.Message {
	typ := corpusType
	data = bytes.ReplaceAll(data, []byte(`"urn:schema:umzug:v1"`), []byte(`"`+corpusSchema+`"`))
	var said struct {
		Type any `json:"type"`
	}
	if kind == "ce" && json.Unmarshal(data, &said) == nil {
		if s, ok := said.Type.(string); ok && s != "" {
			typ = s
		}
	}
	m := &event.Message{Stream: "IN_stadt-a", Seq: 1, Time: corpusNow, Data: data, Subject: "in.stadt-a.meldewesen." + typ}
	m.Header = map[string][]string{"Content-Type": {"application/cloudevents+json"}}
	if kind == "payload" {
		m.Header = map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"urn:de:behoerde:stadt-a:x"}, "ce-type": {corpusType},
			"Content-Type": {"application/json"},
		}
	}
	return m
}
