package digiwf_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

// fixture is a recorded record of data/city/digiwf.
type fixture struct {
	name    string
	Topic   string
	Headers map[string]string
	Value   json.RawMessage
}

func fixtures(t *testing.T) []fixture {
	t.Helper()
	dir := interop.Path(t, "data", "city", "digiwf", "fixtures")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	var all []fixture
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		one := fixture{name: strings.TrimSuffix(filepath.Base(f), ".json")}
		if err := json.Unmarshal(raw, &one); err != nil {
			t.Fatal(f, err)
		}
		all = append(all, one)
	}
	return all
}

func named(t *testing.T, name string) fixture {
	t.Helper()
	for _, f := range fixtures(t) {
		if f.name == name {
			return f
		}
	}
	t.Fatalf("there is no fixture %s", name)
	return fixture{}
}

func recordOf(f fixture) *kgo.Record {
	rec := &kgo.Record{Topic: integrationTopic, Value: f.Value}
	for _, name := range slices.Sorted(maps.Keys(f.Headers)) {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: name, Value: []byte(f.Headers[name])})
	}
	return rec
}

// sameHeaders compares a record's headers with those of a fixture: the same names and
// values, the Java types as JSON. Our own mark is not of DigiWF.
func sameHeaders(t *testing.T, f fixture, rec *kgo.Record) {
	t.Helper()
	got, want := map[string]any{}, map[string]any{}
	for _, h := range rec.Headers {
		if h.Key != "amtsbote.id" {
			got[h.Key] = headerOf(t, h.Key, string(h.Value))
		}
	}
	for name, value := range f.Headers {
		want[name] = headerOf(t, name, value)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: headers (-recorded +ours):\n%s", f.name, d)
	}
}

func headerOf(t *testing.T, name, value string) any {
	t.Helper()
	if name != "spring_json_header_types" {
		return value
	}
	var types map[string]string
	if err := json.Unmarshal([]byte(value), &types); err != nil {
		t.Fatal(err)
	}
	return types
}

// Every recorded request is understood: what any integration of DigiWF is asked
// becomes an event with all of it, and the answer repeats its headers.
func TestRecordedRequests(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	var rules []string
	var asked []fixture
	for _, f := range fixtures(t) {
		typ := f.Headers["type"]
		if typ == "" || f.Value == nil || strings.HasPrefix(f.Topic, "dwf-connector") || strings.HasPrefix(f.Topic, "dwf-digiwf-engine") {
			continue
		}
		asked = append(asked, f)
		rules = append(rules, fmt.Sprintf("{type: %s, event: de.test.anfrage-%d.v1, reply: stored}", typ, len(asked)))
	}
	if len(asked) < 7 {
		t.Fatalf("%d requests are recorded", len(asked))
	}
	h.run(t, in, h.settings(strings.Join(rules, ",")))
	for _, f := range asked {
		if err := h.produce(t.Context(), recordOf(f)); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range events(t, in, len(asked)) {
		if d := cmp.Diff(anyOf(t, asked[i].Value), anyOf(t, e.Data())); d != "" || e.Type() != fmt.Sprintf("de.test.anfrage-%d.v1", i+1) {
			t.Errorf("%s: %s", asked[i].name, d)
		}
	}
	for i, rec := range h.await(t, connector, len(asked)) {
		f := asked[i]
		f.Headers["type"] = "correlateMessageV01"
		sameHeaders(t, f, rec)
		if !strings.Contains(string(rec.Value), `"messageName":"`+f.Headers["digiwf.messagename"]+`"`) {
			t.Errorf("%s is answered by %s", f.name, rec.Value)
		}
	}
}

func anyOf(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// What we send to the engine and the connector has the form of what was recorded.
func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	start, refusal, trouble := named(t, "engine.startProcessV01"), named(t, "connector.bpmnerror"), named(t, "connector.incident")
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := strings.Replace(h.settings(askedForEvent, outRules), "integration: {", "integration: {generation: '2', ", 1)
	yaml = strings.Replace(yaml, "environment:", "types: {incident: '"+trouble.Headers["type"]+"'}, environment:", 1)
	h.run(t, in, yaml)
	for i, f := range []fixture{refusal, trouble} {
		request := f
		request.Headers = maps.Clone(f.Headers)
		request.Headers["type"] = "holeStellungnahme"
		request.Value = json.RawMessage(`{"ceType":"de.bau.stellungnahme-erbeten.v1"}`)
		if err := h.produce(t.Context(), recordOf(request)); err != nil {
			t.Fatal(err)
		}
		id := events(t, in, i+1)[i].ID()
		data := `{"grund":"VALIDATION_ERROR","text":"receivers must not be empty"}`
		typ := "de.bau.stellungnahme-abgelehnt.v1"
		if i == 1 {
			data, typ = `{"text":"OK.EWO not reachable"}`, "de.bau.stellungnahme-gescheitert.v1"
		}
		if err := deliver(t, h.sink(t, yaml), fmt.Sprint("d", i), answering(typ, id, data)); err != nil {
			t.Fatal(err)
		}
	}
	for topic, f := range map[string]fixture{bpmnError: refusal, incident: trouble} {
		rec := h.await(t, topic, 1)[0]
		sameHeaders(t, f, rec)
		if d := cmp.Diff(anyOf(t, f.Value), anyOf(t, rec.Value)); d != "" {
			t.Errorf("%s (-recorded +ours):\n%s", f.name, d)
		}
	}
	if err := deliver(t, h.sink(t, yaml), "start", application(1)); err != nil {
		t.Fatal(err)
	}
	rec := h.await(t, engineTopic, 1)[0]
	sameHeaders(t, start, rec)
	want, got := anyOf(t, start.Value).(map[string]any), anyOf(t, rec.Value).(map[string]any) //nolint:errcheck // objects
	if !slices.Equal(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))) || got["fileContext"] != nil || got["key"] != "parkausweis" {
		t.Errorf("the start is %s", rec.Value)
	}
}
