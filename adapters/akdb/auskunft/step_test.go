package auskunft_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/hub"
)

func question(source, id string, extensions map[string]string) hub.Delivery {
	e := cloudevents.New()
	e.SetSource(source)
	e.SetID(id)
	e.SetType("de.probe.gefragt.v1")
	for name, value := range extensions {
		e.SetExtension(name, value)
	}
	return hub.Delivery{ID: "d-" + id, Event: e}
}

const asker = "urn:de:ags:09162000:system:owi"

// step gives a sink that answers everything, and how often it asked.
func step(t *testing.T, production bool, testMark string) (sink hub.Sink, dir string, asks *int) {
	t.Helper()
	asks, dir = new(int), t.TempDir()
	sink, err := auskunft.Step{
		StepConfig: auskunft.StepConfig{Config: auskunft.Config{Source: "urn:register", Dir: dir}, Fragesteller: asker, Einstufung: "restricted"},
		Type:       "de.probe.geantwortet.v1", Production: production,
		Ask: func(_ context.Context, q auskunft.Question) (auskunft.Answer, error) {
			*asks++
			return auskunft.Answer{Data: q.Anfrage(), Test: testMark}, nil
		},
	}.Sink()
	if err != nil {
		t.Fatal(err)
	}
	return sink, dir, asks
}

// An answer has the law of its question: of another application than the one that
// asks, nothing is asked.
func TestOneAsker(t *testing.T) {
	sink, dir, asks := step(t, true, "")
	for _, source := range []string{"urn:de:ags:09162000:system:kfz", asker + "2"} {
		if err := sink.Deliver(t.Context(), question(source, "1", nil)); err == nil || !hub.FaultOf(err).Permanent || hub.FaultOf(err).Code != "foreign-question" {
			t.Errorf("%s: %v", source, err)
		}
	}
	if got := files(t, dir); *asks != 0 || len(got) > 0 {
		t.Error("asked", *asks, got)
	}
	e := answer(t, sink, dir, question(asker+":b", "1", nil))
	if string(e.Data()) != `{"source":"urn:de:ags:09162000:system:owi:b","id":"1"}` || e.Extensions()["causationid"] != "1" {
		t.Error(e)
	}
}

func answer(t *testing.T, sink hub.Sink, dir string, d hub.Delivery) hub.Event {
	t.Helper()
	if err := sink.Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "in", auskunft.ID(d)+".json"))
	if err != nil {
		t.Fatal(err)
	}
	e := cloudevents.New()
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// Receipts in the step's mailbox ask nothing and are no fault.
func TestReceipt(t *testing.T) {
	sink, dir, asks := step(t, true, "")
	receipt := question("urn:amtsbote:verbund", "1", nil)
	receipt.Event.SetType("de.amtsbote.ereignis-angenommen.v1")
	if err := sink.Deliver(t.Context(), receipt); err != nil || *asks != 0 || len(files(t, dir)) > 0 {
		t.Error(err, *asks, files(t, dir))
	}
}

// A test has no place in production, and is one elsewhere from question to answer.
func TestTests(t *testing.T) {
	marked := question(asker, "1", map[string]string{"xoevtest": "true"})
	sink, dir, asks := step(t, true, "")
	if err := sink.Deliver(t.Context(), marked); err == nil || hub.FaultOf(err).Code != "xoev-s999" || !hub.FaultOf(err).Permanent || *asks != 0 {
		t.Error(err, *asks)
	}
	if got := files(t, dir); len(got) > 0 {
		t.Error(got)
	}
	sink, dir, _ = step(t, true, "true")
	if err := sink.Deliver(t.Context(), question(asker, "1", nil)); err == nil || hub.FaultOf(err).Code != "xoev-s999" || len(files(t, dir)) > 0 {
		t.Error("an answer that is a test:", err)
	}
	sink, dir, _ = step(t, false, "")
	if e := answer(t, sink, dir, marked); e.Extensions()["xoevtest"] != "true" {
		t.Error(e)
	}
	sink, dir, _ = step(t, false, "true")
	if e := answer(t, sink, dir, question(asker, "1", nil)); e.Extensions()["xoevtest"] != "true" {
		t.Error(e)
	}
	sink, dir, _ = step(t, false, "")
	if e := answer(t, sink, dir, question(asker, "1", nil)); e.Extensions()["xoevtest"] != nil {
		t.Error(e)
	}
}

func TestClassification(t *testing.T) {
	for _, c := range []struct{ floor, asked, want string }{
		{"restricted", "", "restricted"},
		{"restricted", "public", "restricted"},
		{"internal", "", "internal"},
		{"internal", "public", "internal"},
		{"internal", "confidential", "confidential"},
		{"internal", "streng-geheim", "streng-geheim"},
	} {
		if got := (auskunft.StepConfig{Einstufung: c.floor}).Classification(c.asked); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	sink, dir, _ := step(t, false, "")
	if e := answer(t, sink, dir, question(asker, "1", map[string]string{"dataclassification": "internal"})); e.Extensions()["dataclassification"] != "restricted" {
		t.Error(e)
	}
}

// files lists what a desk has.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, sub := range []string{"gefragt", "in"} {
		found, err := filepath.Glob(filepath.Join(dir, sub, "*"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}
