package digiwf

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// FuzzRecord: whatever stands on the topic becomes a valid event, the same each time,
// or a Permanent Fault that tells nothing of it; and what is told to the process is
// JSON.
func FuzzRecord(f *testing.F) {
	f.Add("publishEvent", "b1a6f1f0-5d1f-11ed", "digiwf.messagename", "m", []byte(`{"ceType":"de.a.geschehen.v1","data":{"x":1}}`))
	f.Add("asIs", `"b1a6f1f0-5d1f-11ed"`, "digiwf.integrationname", `"i"`, []byte(`{"a":[1,2]}`))
	f.Add("", "", "", "", []byte(nil))
	set, err := decode(adaptertest.Env(f.TempDir()), adaptertest.Settings(`{source: 'urn:x:y', environment: e, kafka: {brokers: ['b:1']},
 integration: {topic: t, requests: [{type: publishEvent, envelope: true, id: content}, {type: asIs, event: de.a.gefragt.v1}]}}`))
	if err != nil {
		f.Fatal(err)
	}
	r := &run{source: &source{set: set}}
	f.Fuzz(func(t *testing.T, typ, instance, name, value string, body []byte) {
		rec := &kgo.Record{Topic: "t", Offset: 7, Timestamp: time.Unix(1_800_000_000, 0), Value: body, Headers: []kgo.RecordHeader{
			{Key: "type", Value: []byte(typ)}, {Key: "digiwf.processinstanceid", Value: []byte(instance)}, {Key: name, Value: []byte(value)},
		}}
		one, first := fromRecord(r, rec)
		two, second := fromRecord(r, rec)
		if (first == nil) != (second == nil) || first == nil && one.ID() != two.ID() {
			t.Fatal("the same record becomes two things")
		}
		if first != nil {
			secret := string(body)
			if fault := hub.FaultOf(first); !fault.Permanent || len(secret) > 20 && strings.Contains(first.Error(), secret) {
				t.Fatalf("refused by %v", first)
			}
			return
		}
		if err := one.Validate(); err != nil || !json.Valid(one.Data()) {
			t.Fatalf("no valid event: %v", err)
		}
		a, _ := set.ask("c", rec)
		l, err := set.correlate(a.to(), about(one))
		if err != nil || !json.Valid(l.Body) {
			t.Fatalf("the answer is no JSON: %v", err)
		}
	})
}

func fromRecord(r *run, rec *kgo.Record) (hub.Event, error) {
	a, err := r.set.ask("c", rec)
	if err != nil {
		return hub.Event{}, err
	}
	return r.event(a)
}

// FuzzTextAt: any data and any pointer give a text or none.
func FuzzTextAt(f *testing.F) {
	f.Add([]byte(`{"a":{"b":"x","c":[1,{"d":"y"}]}}`), "/a/c/1/d", "y")
	f.Add([]byte(`{"grund":"UNZUSTAENDIG"}`), "/grund", "UNZUSTAENDIG")
	f.Add([]byte(`{"a~b":"1"}`), "/a~0b", "1")
	f.Add([]byte(`{"a":`), "/a", "")
	f.Fuzz(func(t *testing.T, data []byte, pointer, _ string) {
		if got := textAt(data, pointer); got != "" && !json.Valid(data) {
			t.Fatalf("%q of no JSON", got)
		}
	})
}

// Texts and numbers are found, other values are none.
func TestTextAt(t *testing.T) {
	t.Parallel()
	data := `{"a":{"b":"x","c":[1,{"d":"y"}]},"a~b":"1","n":1.50,"t":true,"o":{}}`
	for pointer, want := range map[string]string{
		"/a/b": "x", "/a/c/1/d": "y", "/a/c/0": "1", "/a~0b": "1", "/n": "1.50", "/t": "", "/o": "", "/none": "", "/a": "", "": "",
	} {
		if got := textAt([]byte(data), pointer); got != want {
			t.Errorf("%s is %q, want %q", pointer, got, want)
		}
	}
	if wire.IsObject([]byte(`{"a":1,"a":2}`)) {
		t.Error("a name twice is no strict object")
	}
}
