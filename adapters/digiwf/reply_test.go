package digiwf_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

const request = `{"ceType":"de.bau.stellungnahme-erbeten.v1","data":{"aktenzeichen":"B-1"}}`

// asked are a request of reply: event, whose answers are these.
const askedForEvent = `{type: holeStellungnahme, envelope: true, reply: event, answers: [
  {event: de.bau.stellungnahme-abgegeben.v1, variable: stellungnahme},
  {event: de.bau.stellungnahme-abgelehnt.v1, as: bpmnerror, code: /grund, message: /text},
  {event: de.bau.stellungnahme-gescheitert.v1, as: incident, message: /text}]}`

func answering(typ, cause, data string) hub.Event {
	e := cloudevents.New()
	e.SetID("antwort-" + typ)
	e.SetSource("urn:de:ags:09162000:system:denkmal")
	e.SetType(typ)
	e.SetExtension(hub.AttrCorrelationID, instanceID)
	if cause != "" {
		e.SetExtension(hub.AttrCausationID, cause)
	}
	_ = e.SetData("application/json", []byte(data))
	return e
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return hub.FaultOf(err).Code
}

// The event of a request is in the case of its process, and says no more than the
// request does.
func TestEventOfARequest(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.run(t, in, h.settings(publishEvent))
	rec := h.put(t, asks("PUBLISHEVENT"), `{"ceType":"de.a.geschehen.v1","data":{"x":1.50},"ceUnknown":1}`)
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1","ceSubject":"akte:7","ceCorrelationId":"vorgang-00000001","ceCausationId":"e1","ceTime":"2026-05-04T10:00:00Z"}`)
	all := events(t, in, 2)
	e := all[0]
	if e.Subject() != instanceID || e.Extensions()[hub.AttrCorrelationID] != instanceID || string(e.Data()) != `{"x":1.50}` || !e.Time().Equal(rec.Timestamp) {
		t.Errorf("the event is %v", e)
	}
	e = all[1]
	if e.Subject() != "akte:7" || e.Extensions()[hub.AttrCorrelationID] != "vorgang-00000001" || e.Extensions()[hub.AttrCausationID] != "e1" ||
		string(e.Data()) != `{}` || e.Time().Format(time.RFC3339) != "2026-05-04T10:00:00Z" {
		t.Errorf("the event is %v", e)
	}
}

// reply: delivered: the process is told when every receiver has the event, and gets
// a BPMN error when it was refused (city.md 1.5).
func TestReplyDelivered(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	source, _ := h.run(t, in, h.settings(publishEvent))
	for range 3 {
		h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1"}`)
	}
	ids := events(t, in, 3)
	ends := []hub.Settlement{
		{Outcome: hub.Suppressed},
		{Outcome: hub.Routed, Copies: 2, Done: 1},
		{Outcome: hub.Quarantined, Code: "SCHEMA_INVALID"},
		{Outcome: hub.Unrouted},
	}
	for i, end := range ends {
		end.EventRef = hub.EventRef{Source: eventSource, ID: ids[max(i-1, 0)].ID()}
		for range 2 {
			if err := source.Settled(t.Context(), end); err != nil {
				t.Fatal(err)
			}
		}
	}
	answer := h.await(t, connector, 1)[0]
	want := fmt.Sprintf(`{"processInstanceId":"%s","messageName":"eventPublished","businessKey":null,"payloadVariables":{"copies":2,"done":1,"eventId":"%s"},"payloadVariablesLocal":null}`, instanceID, ids[0].ID())
	if string(answer.Value) != want || string(answer.Key) != instanceID || header(answer, "type") != "correlateMessageV01" {
		t.Errorf("the answer is %s", answer.Value)
	}
	refused := h.await(t, bpmnError, 2)
	for i, reason := range []string{"SCHEMA_INVALID", "unrouted"} {
		want := fmt.Sprintf(`{"processInstanceId":"%s","messageName":"bpmnError","errorCode":"VALIDATION_ERROR","errorMessage":"the event was refused: %s"}`, instanceID, reason)
		if string(refused[i].Value) != want || header(refused[i], "type") != "bpmnerror" {
			t.Errorf("the error is %s", refused[i].Value)
		}
	}
	if err := source.Settled(t.Context(), hub.Settlement{EventRef: hub.EventRef{Source: "urn:x:another", ID: ids[0].ID()}, Outcome: hub.Routed}); err != nil {
		t.Error(err)
	}
}

func TestReplyStoredAndNone(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.run(t, in, h.settings(`{type: stored, envelope: true, reply: stored}, {type: silent, envelope: true, reply: none}`))
	h.put(t, asks("silent")[:1], `{"ceType":"de.a.geschehen.v1"}`) // nobody to be answered is no fault here
	h.put(t, asks("stored"), `{"ceType":"de.a.geschehen.v1"}`)
	id := events(t, in, 2)[1].ID()
	if got := h.await(t, connector, 1)[0]; !strings.Contains(string(got.Value), `"payloadVariables":{"eventId":"`+id+`"}`) {
		t.Errorf("the answer is %s", got.Value)
	}
}

// Each of the three answers goes to its topic; the first one counts, and one that
// comes later or twice is told so.
func TestReplyEvent(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := h.settings(askedForEvent)
	_, stop := h.run(t, in, yaml)
	for range 3 {
		h.put(t, asks("holeStellungnahme"), request)
	}
	ids := events(t, in, 3)
	stop() // the source may be away when the answer comes
	sink := h.sink(t, yaml)
	answers := []hub.Event{
		answering("de.bau.stellungnahme-abgegeben.v1", ids[0].ID(), `{"text":"ja"}`),
		answering("de.bau.stellungnahme-abgelehnt.v1", ids[1].ID(), `{"grund":"UNZUSTAENDIG","text":"nicht hier"}`),
		answering("de.bau.stellungnahme-gescheitert.v1", ids[2].ID(), `{"text":"Akte defekt"}`),
	}
	for i, e := range answers {
		for range 2 { // the second time it has been handed over
			if err := deliver(t, sink, fmt.Sprint("d", i), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	wants := map[string]string{
		connector: `"payloadVariables":{"ceCorrelationId":"` + instanceID + `","ceId":"antwort-de.bau.stellungnahme-abgegeben.v1",`,
		bpmnError: `"errorCode":"UNZUSTAENDIG","errorMessage":"nicht hier"}`,
		incident:  `"messageName":"eventPublished","errorMessage":"Akte defekt"}`,
	}
	for topic, want := range wants {
		if got := h.await(t, topic, 1)[0]; !strings.Contains(string(got.Value), want) {
			t.Errorf("%s has %s", topic, got.Value)
		}
	}
	if got := h.await(t, connector, 1)[0]; !strings.Contains(string(got.Value), `"stellungnahme":{"text":"ja"}`) {
		t.Errorf("without the data: %s", got.Value)
	}
	for want, e := range map[string]hub.Event{
		"answered":   answering("de.bau.stellungnahme-abgelehnt.v1", ids[0].ID(), `{"grund":"X"}`),
		"no-request": answering("de.bau.stellungnahme-abgegeben.v1", "0c0c0c0c-unbekannt", `{}`),
		"unmappable": answering("de.bau.ganz-anders.v1", ids[0].ID(), `{}`),
	} {
		if err := deliver(t, sink, "late-"+want, e); code(err) != want || !hub.FaultOf(err).Permanent {
			t.Errorf("want %s: %v", want, err)
		}
	}
	for _, name := range []string{"../../etc/passwd", "a/b", strings.Repeat("x", 300)} {
		if err := deliver(t, sink, "odd", answering("de.bau.stellungnahme-abgegeben.v1", name, `{}`)); code(err) != "no-request" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// An application that gives no causationid is understood as long as one request of
// the case is open.
func TestReplyEventByCorrelation(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := h.settings(askedForEvent)
	h.run(t, in, yaml)
	h.put(t, asks("holeStellungnahme"), request)
	events(t, in, 1)
	sink := h.sink(t, yaml)
	e := answering("de.bau.stellungnahme-abgegeben.v1", "", `{}`)
	for range 2 {
		if err := deliver(t, sink, "d1", e); err != nil {
			t.Fatal(err)
		}
	}
	h.await(t, connector, 1)
	e.SetID("another")
	if err := deliver(t, sink, "d2", e); code(err) != "no-request" {
		t.Errorf("with no open request: %v", err)
	}
	h.put(t, asks("holeStellungnahme"), request)
	h.put(t, asks("holeStellungnahme"), request)
	events(t, in, 3)
	if err := deliver(t, sink, "d3", e); code(err) != "ambiguous" {
		t.Errorf("with two open requests: %v", err)
	}
	e.SetExtension(hub.AttrCorrelationID, nil)
	if err := deliver(t, sink, "d4", e); code(err) != "no-request" {
		t.Errorf("with neither: %v", err)
	}
}

// Without an answer in time the process gets an incident, and the answer that comes
// late is told so; the source was away meanwhile.
func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := h.settings(strings.Replace(askedForEvent, "reply: event", "reply: event, within: 1ms", 1))
	_, stop := h.run(t, in, yaml)
	h.put(t, asks("holeStellungnahme"), request)
	id := events(t, in, 1)[0].ID()
	h.await(t, incident, 1)
	stop()
	if err := deliver(t, h.sink(t, yaml), "d1", answering("de.bau.stellungnahme-abgegeben.v1", id, `{}`)); code(err) != "answered" {
		t.Errorf("the late answer: %v", err)
	}
}

// Generation 2 names its integration, and gets its headers back and an incident that
// is a bare text. Its header names are unverified, therefore settings.
func TestGenerations(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.run(t, in, h.settings(`{type: publishEvent, envelope: true, reply: stored}, {type: other, envelope: true, reply: stored, message: gesetzt}`))
	second := []kgo.RecordHeader{
		{Key: "type", Value: []byte(`"publishEvent"`)}, // as JSON
		{Key: "digiwf.processinstanceid", Value: []byte(instanceID)},
		{Key: "digiwf.integrationname", Value: []byte(`"interopIntegration"`)},
		{Key: "digiwf.processdefinition", Value: []byte("alt")},
		{Key: "digiwf.processdefinition", Value: []byte("Parkausweis:3")},
		{Key: "x-other", Value: []byte("left out")},
	}
	h.put(t, second, `{"ceType":"de.a.geschehen.v1"}`)
	second[0].Value = []byte("other")
	h.put(t, second, `{"ceType":"de.a.geschehen.v1"}`)
	second[0].Value = []byte("unknown")
	h.put(t, second, `{}`)
	answers := h.await(t, connector, 2)
	want := map[string]string{
		"digiwf.processinstanceid": instanceID, "digiwf.integrationname": "interopIntegration", "digiwf.processdefinition": "Parkausweis:3",
		"x-other": "", "contentType": "application/json",
	}
	for name, value := range want {
		if got := header(answers[0], name); got != value {
			t.Errorf("header %s is %q", name, got)
		}
	}
	var types map[string]string
	if err := json.Unmarshal([]byte(header(answers[0], "spring_json_header_types")), &types); err != nil || len(types) != 4 || types["digiwf.processdefinition"] != "java.lang.String" {
		t.Errorf("spring_json_header_types: %v %v", types, err)
	}
	for i, name := range []string{"interopIntegration", "gesetzt"} {
		if !strings.Contains(string(answers[i].Value), `"messageName":"`+name+`"`) {
			t.Errorf("answer %d is %s", i, answers[i].Value)
		}
	}
	if got := h.await(t, incident, 1)[0]; string(got.Value) != `"the integration knows no request of this type"` || header(got, "type") != "incident" {
		t.Errorf("the incident is %s", got.Value)
	}
}

// While the hub stores nothing the partition waits, the process gets one incident,
// and its answer when the hub is back.
func TestHubAway(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	away := make(chan struct{})
	in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error {
		select {
		case <-away:
			return store()
		default:
			return errors.New("away")
		}
	})
	yaml := strings.Replace(h.settings(`{type: publishEvent, envelope: true, reply: stored}`), "integration: {", "integration: {incident-after: 1ms, ", 1)
	h.run(t, in, yaml)
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1"}`)
	h.await(t, incident, 1)
	close(away)
	events(t, in, 1)
	h.await(t, connector, 1)
	h.await(t, incident, 1)
}

// With max-open requests open, the next one waits in Kafka.
func TestMaxOpen(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := strings.Replace(h.settings(publishEvent), "integration: {", "integration: {max-open: 1, ", 1)
	source, _ := h.run(t, in, yaml)
	for range 2 {
		h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1"}`)
	}
	first := events(t, in, 1)[0]
	eventually(t, func() error {
		if h.logs.FilterMessage("digiwf: the partition waits").Len() == 0 {
			return errors.New("the partition does not wait")
		}
		return nil
	})
	if n := len(in.Events()); n != 1 {
		t.Fatalf("%d events", n)
	}
	if err := source.Settled(t.Context(), hub.Settlement{EventRef: hub.EventRef{Source: eventSource, ID: first.ID()}, Outcome: hub.Routed}); err != nil {
		t.Fatal(err)
	}
	events(t, in, 2)
}

// What was written down for an answer holds nothing of what was asked.
func TestOpenRequestHoldsNoPayload(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.run(t, in, h.settings(askedForEvent))
	h.put(t, asks("holeStellungnahme"), `{"ceType":"de.a.geschehen.v1","data":{"name":"Zaunkönig"}}`)
	id := events(t, in, 1)[0].ID()
	files, err := filepath.Glob(filepath.Join(h.dir, "memory", "open", id+".*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	path := files[0]
	raw, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(raw), "Zaunk") {
		t.Errorf("%s %v", raw, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	for _, line := range h.logs.All() {
		if text := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(text, "Zaunk") {
			t.Errorf("the log tells of the payload: %s", text)
		}
	}
}
