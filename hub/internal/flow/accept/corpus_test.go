package accept

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// later lists codes that another stage gives: ownership, schema and routing are
// tested over the whole way in package flow.
var later = map[string]bool{
	"SOURCE_NOT_ALLOWED": true, "TYPE_UNKNOWN": true, "SCHEMA_UNKNOWN": true, "SCHEMA_INVALID": true, "MEDIATYPE_MISMATCH": true, "TIME_IMPLAUSIBLE": true,
}

// TestCorpus holds the gate to the corpus of bad inputs: on NATS an HTTP
// refusal is quarantine with the same code.
func TestCorpus(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "..", "shared", "corpus")
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		if os.Getenv("AMTSBOTE_INTEROP") == "must" {
			t.Fatalf("the corpus must be there: %v", err)
		}
		t.Skipf("not run: the corpus of bad inputs is missing: %v", err)
	}
	var index struct {
		Inputs []struct{ File, Kind, Expect, Code string }
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, in := range index.Inputs {
		if in.Kind != "ce" && in.Kind != "payload" {
			continue
		}
		n++
		t.Run(in.File, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, in.File))
			if err != nil {
				t.Fatal(err)
			}
			_, r := Decode(corpusMessage(in.Kind, data))
			switch {
			case in.Expect == "accept" || later[in.Code]:
				if r != nil {
					t.Errorf("refused with %v, want it to pass the gate", r)
				}
			case r == nil:
				t.Errorf("passed the gate, want %s", in.Code)
			case string(r.Code) != in.Code:
				t.Errorf("refused with %v, want %s", r, in.Code)
			}
		})
	}
	if n < 80 {
		t.Errorf("only %d inputs were tried", n)
	}
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
