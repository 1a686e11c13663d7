package accept

import (
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

// later lists codes that another stage gives: ownership, schema and routing are
// tested over the whole way in package flow.
var later = map[string]bool{
	"SOURCE_NOT_ALLOWED": true, "TYPE_UNKNOWN": true, "SCHEMA_UNKNOWN": true, "SCHEMA_INVALID": true, "MEDIATYPE_MISMATCH": true, "TIME_IMPLAUSIBLE": true,
}

// TestCorpus holds the gate to the corpus of bad inputs: on NATS an HTTP
// refusal is quarantine with the same code.
func TestCorpus(t *testing.T) {
	corpus.Each(t, func(t *testing.T, in corpus.Input) {
		_, r := Decode(corpusMessage(in.Kind, in.Data))
		switch {
		case in.Accepted() || later[in.Code]:
			if r != nil {
				t.Errorf("refused with %v, want it to pass the gate", r)
			}
		case r == nil:
			t.Errorf("passed the gate, want %s", in.Code)
		case string(r.Code) != in.Code:
			t.Errorf("refused with %v, want %s", r, in.Code)
		}
	}, "ce", "payload")
}

func corpusMessage(kind string, data []byte) *event.Message {
	m := &event.Message{Stream: "IN_stadt-a", Seq: 1, Time: time.Now(), Data: data}
	if kind == "ce" {
		m.Header = map[string][]string{"Content-Type": {"application/cloudevents+json"}}
		return m
	}
	m.Header = map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"urn:x"}, "ce-type": {"t"},
		"Content-Type": {"application/json"},
	}
	return m
}
