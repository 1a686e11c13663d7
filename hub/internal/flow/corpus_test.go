package flow

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

const (
	corpusType   = hubtest.CorpusType
	corpusSchema = hubtest.CorpusSchema
)

// corpusFederation is that of the corpus's principal.
func corpusFederation(t *testing.T) *federation.Federation {
	t.Helper()
	dir := t.TempDir()
	hubtest.WriteCorpusFederation(t, dir)
	fed, found := federation.Load(dir, noKinds{})
	if fed == nil {
		t.Fatal(found)
	}
	return fed
}

// otherwise lists the inputs whose verdict is not the one of the index, and why.
var otherwise = map[string]struct {
	code refusal.Code
	why  string
}{
	"ce/ok-minimal.json":        {refusal.SchemaInvalid, "an event without data: here every event is held to the schema of its type, whose root is an object"},
	"ce/ok-null-attribute.json": {refusal.SchemaInvalid, "likewise; the attribute that is null is no reason"},
}

// TestCorpusWholeWay decides about every event and payload of the corpus, from
// the stored message to the outcome: what is to be refused at a door is quarantine
// here, with the same code; what is to pass has a receiver and keeps its bytes.
func TestCorpusWholeWay(t *testing.T) {
	corpus.Read(t, "ce", "payload")
	decider := &Decider{
		Federation: corpusFederation(t), Now: func() time.Time { return corpusNow },
		Seen: func(event.Identity) (index.Seen, bool) { return index.Seen{}, false },
	}
	listed := 0
	corpus.Each(t, func(t *testing.T, in corpus.Input) {
		m := corpusEvent(in.Kind, in.Data)
		began := time.Now()
		d := decider.Decide("stadt-a", m)
		if took := time.Since(began); took > time.Minute { // hangs
			t.Errorf("the decision took %v", took)
		}
		if again := decider.Decide("stadt-a", m); !reflect.DeepEqual(d, again) {
			t.Errorf("%+v, then %+v", d, again)
		}
		want := refusal.Code(in.Code)
		if other, ok := otherwise[in.File]; ok {
			want = other.code
			listed++
		}
		if want != "" {
			if d.Outcome != hub.Quarantined || d.Code != want || len(d.Receivers) > 0 {
				t.Errorf("%s %s at %s, want quarantine with %s", d.Outcome, d.Code, d.At, want)
			}
			return
		}
		if d.Outcome != hub.Routed || d.Code != "" || len(d.Receivers) != 1 {
			t.Fatalf("%s %s at %s, want it routed", d.Outcome, d.Code, d.At)
		}
		copyKeepsItsBytes(t, decider.Federation, d, m)
	}, "ce", "payload")
	if listed != len(otherwise) {
		t.Errorf("%d inputs with another verdict, %d listed", listed, len(otherwise))
	}
}

// copyKeepsItsBytes: the receiver's copy has the data as it came, byte for byte:
// 12.50 stays 12.50, and -0 is -0.
func copyKeepsItsBytes(t *testing.T, fed *federation.Federation, d *decision.Decision, m *event.Message) {
	t.Helper()
	e, r := accept.Decode(m)
	if r != nil {
		t.Fatal(r)
	}
	copies, err := NewVersion(fed).Sender.Copies(d, e)
	if err != nil || len(copies) != 1 {
		t.Fatalf("%d copies: %v", len(copies), err)
	}
	if !bytes.Equal(copies[0].Data, m.Data) {
		t.Errorf("the copy is %.200q, was %.200q", copies[0].Data, m.Data)
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
