package digiwf_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

// seen is a record as the second client has read it, with the headers that a Spring
// application sees as Strings, and the names of those that stay bytes.
type seen struct {
	Topic   string
	Key     *string
	Value   json.RawMessage
	Strings map[string]string
	Bytes   []string
}

type letter struct {
	Topic   string            `json:"topic"`
	Key     *string           `json:"key"`
	Headers map[string]string `json:"headers"`
	Value   string            `json:"value"`
}

// kafkajs runs Node's kafkajs, installed from its lock file.
func (h *house) kafkajs(t *testing.T, send []letter, read map[string]int) []seen {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "kafkajs"))); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Log(string(out))
		interop.Missing(t, "kafkajs (npm ci)")
	}
	order := map[string]any{"send": send}
	var topics []map[string]any
	for topic, count := range read {
		topics = append(topics, map[string]any{"topic": topic, "count": count})
	}
	order["read"] = topics
	raw, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	node := exec.CommandContext(t.Context(), "node", "client.mjs", h.broker.Address(), string(raw))
	node.Dir, node.Stderr = dir, &stderr
	node.Env = append(os.Environ(), "KAFKAJS_NO_PARTITIONER_WARNING=1")
	out, err := node.Output()
	if err != nil {
		t.Fatalf("kafkajs: %v\n%s", err, stderr.Bytes())
	}
	var all []seen
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("kafkajs wrote %q: %v", out, err)
	}
	return all
}

// A client that we did not write asks, compressed with gzip, and reads what comes
// back as a Spring application does: each header that it routes by is a String.
func TestSecondClient(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"node", "npm"} {
		if _, err := exec.LookPath(command); err != nil {
			interop.Missing(t, command)
		}
	}
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := h.settings(`{type: publishEvent, envelope: true, reply: stored}`, outRules)
	h.run(t, in, yaml)
	headers := map[string]string{}
	for _, one := range asks("publishEvent") {
		headers[one.Key] = string(one.Value)
	}
	second := map[string]string{
		"type": "publishEvent", "digiwf.processinstanceid": instanceID, "digiwf.integrationname": `"interop\"Integration"`,
		"digiwf.processdefinition": "Straßenfest:1",
	}
	key := "k-1"
	if err := deliver(t, h.sink(t, yaml), "d1", application(1)); err != nil {
		t.Fatal(err)
	}
	if err := deliver(t, h.sink(t, yaml), "d2", paid(instanceID)); err != nil {
		t.Fatal(err)
	}
	all := h.kafkajs(t, []letter{
		{integrationTopic, nil, headers, `{"ceType":"de.a.geschehen.v1","data":{"n":1}}`},
		{integrationTopic, &key, second, `{"ceType":"de.a.geschehen.v1","data":{"n":2}}`},
		{integrationTopic, nil, headers, `{"ceType":"falsch"}`},
		{integrationTopic, nil, map[string]string{"type": "unbekannt", "digiwf.processinstanceid": instanceID}, `{}`},
	}, map[string]int{connector: 3, bpmnError: 1, incident: 1, engineTopic: 1})
	ids := map[string]bool{}
	for _, e := range events(t, in, 2) {
		ids[e.ID()] = true
		if e.Extensions()[hub.AttrCorrelationID] != instanceID {
			t.Errorf("the event is %v", e)
		}
	}
	want := map[string]string{connector: "correlateMessageV01", bpmnError: "bpmnerror", incident: "incident", engineTopic: "startProcessV01"}
	echoed := false
	for _, one := range all {
		if one.Strings["type"] != want[one.Topic] {
			t.Errorf("%s: Spring would route by type %q", one.Topic, one.Strings["type"])
		}
		if !slices.Equal(one.Bytes, []string{"amtsbote.id", "contentType", "spring_json_header_types"}) {
			t.Errorf("%s: these headers stay bytes: %q", one.Topic, one.Bytes)
		}
		if one.Topic != engineTopic && one.Strings["digiwf.processinstanceid"] != instanceID {
			t.Errorf("%s: the headers are %v", one.Topic, one.Strings)
		}
		echoed = echoed || one.Strings["digiwf.integrationname"] == `interop"Integration` && one.Strings["digiwf.processdefinition"] == "Straßenfest:1"
		var body struct {
			PayloadVariables struct{ EventID string }
		}
		if json.Unmarshal(one.Value, &body) == nil && body.PayloadVariables.EventID != "" {
			delete(ids, body.PayloadVariables.EventID)
		}
	}
	if len(ids) > 0 || !echoed || len(all) != 6 {
		t.Errorf("%d events are not answered; headers of generation 2 repeated: %v; %s", len(ids), echoed, fmt.Sprint(len(all)))
	}
}
