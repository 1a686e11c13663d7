package digiwf_test

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/digiwf"
	"github.com/amtsbote/amtsbote/hub"
)

// A mapping file makes the event of what an integration is asked; its id comes of the
// record's position, and without a rule of its own the case is the process instance.
func TestMapping(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.write(t, "mappings/artikel.yaml", `format: json
type: de.test.artikel-geschrieben.v1
id: {meta: position}
data: {/ticket: /ticketId, /stand: {from: /status, as: enum, table: {OPEN: offen}}}
beispiele:
  - {input: mappings/beispiele/artikel.json, meta: {position: p}, expect: {ticket: "1234", stand: offen}}
`)
	h.write(t, "mappings/beispiele/artikel.json", `{"ticketId":"1234","article":"Some text","status":"OPEN"}`)
	yaml := h.settings(`{type: writeArticle, mapping: mappings/artikel.yaml, reply: stored}`)
	if samples, err := digiwf.Kind().Check(h.env(), adaptertest.Settings(yaml)); err != nil || len(samples) != 1 {
		t.Fatalf("%d samples: %v", len(samples), err)
	}
	h.run(t, in, yaml)
	for range 2 {
		h.put(t, asks("writeArticle"), `{"ticketId":"1234","article":"Some text","status":"OPEN"}`)
	}
	h.put(t, asks("writeArticle"), `{"ticketId":"1234","status":"geheim"}`)
	all := events(t, in, 2)
	if e := all[0]; string(e.Data()) != `{"stand":"offen","ticket":"1234"}` || e.Extensions()[hub.AttrCorrelationID] != instanceID || e.ID() == all[1].ID() {
		t.Errorf("the event is %v", e)
	}
	h.await(t, connector, 2)
	if got := string(h.await(t, bpmnError, 1)[0].Value); !strings.Contains(got, "unknown-value") || strings.Contains(got, "geheim") {
		t.Errorf("the refusal is %s", got)
	}
}

// What is larger than max-bytes is never sent.
func TestTooLargeToSend(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	e := application(1)
	e.DataEncoded = []byte(`{"text":"` + strings.Repeat("x", 1<<20) + `"}`)
	err := deliver(t, h.sink(t, h.settings(publishEvent, outRules)), "d1", e)
	if code(err) != "too-large" || !hub.FaultOf(err).Permanent {
		t.Errorf("%v", err)
	}
}
