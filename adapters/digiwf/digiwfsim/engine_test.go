package digiwfsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/digiwf"
	"github.com/amtsbote/amtsbote/adapters/digiwf/digiwfsim"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

const patience = 2 * time.Minute

// town is a simulated DigiWF, its REST side, and an adapter that speaks with it.
type town struct {
	t      *testing.T
	dir    string
	broker *digiwfsim.Broker
	engine *digiwfsim.Engine
	rest   *httptest.Server
}

const topic = "dwf-interop-{environment}"

var processes = []digiwfsim.Process{
	{Key: "melden", Steps: []digiwfsim.Step{
		{
			Topic: topic, Type: "publishEvent", Message: "gemeldet", Integration: "interopIntegration",
			Value: `{"ceType": "de.parkausweis.erteilt.v1", "ceCorrelationId": "${ceCorrelationId}", "data": {"antrag": "${antrag}", "nr": "${antrag.nr}", "none": "${antrag.nr.x}", "n": 9999}}`,
		},
		{Message: "gebuehrBezahlt"},
	}},
	{Key: "falsch", Steps: []digiwfsim.Step{{Topic: topic, Type: "publishEvent", Message: "gemeldet", Value: `{"ceType": "falsch"}`}}},
	{Key: "unbekannt", Steps: []digiwfsim.Step{{Topic: topic, Type: "gibtsNicht", Message: "gemeldet"}}},
	{Key: "verzweigt", Steps: []digiwfsim.Step{
		{Topic: "dwf-address-{environment}", Type: "checkAddressMunich", Value: `{"q": "${antrag.ort}"}`, Answer: `{"gebiet": {"id": 7, "ort": "${antrag.ort}"}}`},
		{If: []string{"${antrag.ort}", "Nirgends"}, Topic: topic, Type: "nie"},
		{Unless: []string{"${gebiet.ort}", "${antrag.ort}"}, Topic: topic, Type: "nie"},
		{Unless: []string{"${gebiet.id}", "${fehlt}"}, Topic: topic, Type: "publishEvent", Ends: true, Value: `{"ceType": "de.a.geschehen.v1", "data": "${gebiet}"}`},
		{Topic: topic, Type: "nie"},
	}},
	{Key: "eilig", Steps: []digiwfsim.Step{{Topic: topic, Type: "frage", Message: "geantwortet", Timeout: time.Millisecond, Value: `{"ceType": "de.a.gefragt.v1"}`}}},
}

func newTown(t *testing.T, generation int) *town {
	t.Helper()
	w := &town{t: t, dir: t.TempDir()}
	topics := append(wire.DefaultTopics().In("test").All(), wire.In(topic, "test"), "dwf-address-test")
	var err error
	if w.broker, err = digiwfsim.OpenBroker(0, t.TempDir(), 2, topics); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.broker.Stop)
	w.engine, err = digiwfsim.NewEngine(digiwfsim.Config{
		Broker: w.broker.Address(), Environment: "test", Topics: wire.DefaultTopics(), Types: wire.DefaultTypes(), Names: wire.DefaultNames(),
		Generation: generation, Processes: processes,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.start(func(ctx context.Context) error { return w.engine.Run(ctx) }, w.engine.Close)
	w.rest = httptest.NewServer(digiwfsim.Handler(w.engine, w.broker, digiwfsim.Client{ID: "amtsbote", Secret: "geheim"}))
	t.Cleanup(w.rest.Close)
	return w
}

func (w *town) start(run func(context.Context) error, end func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(func() { cancel(); all.Wait(); end() })
}

func (w *town) settings() adaptertest.Settings {
	return adaptertest.Settings(fmt.Sprintf(`{source: 'urn:de:ags:09162000:system:digiwf', environment: test, dir: memory, retry: {first: 1ms, most: 20ms},
 kafka: {brokers: ['%s'], plaintext: true, idle: 50ms},
 integration: {topic: '%s', requests: [{type: publishEvent, envelope: true, reply: stored},
  {type: frage, envelope: true, reply: event, answers: [{event: de.a.geantwortet.v1}]}]},
 out: [{event: de.parkausweis.beantragt.v1, start: melden, variable: antrag},
  {event: de.gebuehr.bezahlt.v1, correlate: gebuehrBezahlt, instance: none, business-key: correlationid}]}`, w.broker.Address(), topic))
}

func (w *town) adapter() (*adaptertest.Intake, hub.Sink) {
	w.t.Helper()
	source, err := digiwf.Kind().Source(adaptertest.Env(w.dir), w.settings())
	if err != nil {
		w.t.Fatal(err)
	}
	sink, err := digiwf.Kind().Sink(adaptertest.Env(w.dir), w.settings())
	if err != nil {
		w.t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	w.start(func(ctx context.Context) error { return source.Run(ctx, in) }, func() {})
	return in, sink
}

// until waits for the instances to be as wanted.
func (w *town) until(what string, holds func([]digiwfsim.Instance) bool) []digiwfsim.Instance {
	w.t.Helper()
	late := time.After(patience)
	for {
		changed := w.engine.Changed()
		all, unroutable := w.engine.Instances()
		if unroutable > 0 {
			w.t.Fatalf("%d records could not be routed", unroutable)
		}
		if holds(all) {
			return all
		}
		select {
		case <-changed:
		case <-late:
			w.t.Fatalf("%s: the instances are %+v", what, all)
		}
	}
}

// published waits until the hub has n events.
func (w *town) published(in *adaptertest.Intake, n int) {
	w.t.Helper()
	late := time.After(patience)
	again := time.NewTicker(3 * time.Millisecond)
	defer again.Stop()
	for len(in.Events()) < n {
		select {
		case <-again.C:
		case <-late:
			w.t.Fatalf("%d events, want %d", len(in.Events()), n)
		}
	}
}

func event(typ string, n int) hub.Delivery {
	e := cloudevents.New()
	e.SetID(fmt.Sprint("e-", typ, n))
	e.SetSource("urn:de:ags:09162000:system:onlinedienst")
	e.SetType(typ)
	e.SetExtension(hub.AttrCorrelationID, fmt.Sprintf("vorgang-%08d", n))
	_ = e.SetData("application/json", fmt.Appendf(nil, `{"nr":%d}`, n))
	return hub.Delivery{ID: fmt.Sprint("d-", typ, n), Attempt: 1, Event: e}
}

// A process is started by an event, reports another, and goes on when a third one
// comes: both ways, in both generations, while the broker is restarted.
func TestWholeWay(t *testing.T) {
	t.Parallel()
	for _, generation := range []int{1, 2} {
		w := newTown(t, generation)
		in, sink := w.adapter()
		if err := sink.Deliver(t.Context(), event("de.parkausweis.beantragt.v1", 1)); err != nil {
			t.Fatal(err)
		}
		w.until("started and answered", func(all []digiwfsim.Instance) bool { return len(all) == 1 && all[0].Step == 1 })
		e := in.Events()[0]
		if e.Type() != "de.parkausweis.erteilt.v1" || e.Extensions()[hub.AttrCorrelationID] != "vorgang-00000001" || string(e.Data()) != `{"antrag":{"nr":1},"n":9999,"none":null,"nr":1}` {
			t.Errorf("the event is %v", e)
		}
		if err := w.broker.Restart(); err != nil {
			t.Fatal(err)
		}
		if err := sink.Deliver(t.Context(), event("de.gebuehr.bezahlt.v1", 1)); err != nil {
			t.Fatal(err)
		}
		all := w.until("ended", func(all []digiwfsim.Instance) bool { return all[0].State == digiwfsim.Ended })
		if !slices.Contains(all[0].Messages, "gebuehrBezahlt") || all[0].Late != 0 {
			t.Errorf("the instance is %+v", all[0])
		}
	}
}

// A process takes what an integration of DigiWF's own gives it, leaves steps out by
// what it knows, and ends before its last step.
func TestBranches(t *testing.T) {
	t.Parallel()
	w := newTown(t, 1)
	in, _ := w.adapter()
	if _, err := w.engine.Start(t.Context(), "verzweigt", map[string]json.RawMessage{"antrag": json.RawMessage(`{"ort":"Hier"}`)}); err != nil {
		t.Fatal(err)
	}
	all, _ := w.engine.Instances()
	if all[0].State != digiwfsim.Ended || all[0].Sent != 2 || string(all[0].Variables["gebiet"]) != `{"id":7,"ort":"Hier"}` {
		t.Errorf("the instance is %+v", all[0])
	}
	w.published(in, 1)
	if got := string(in.Events()[0].Data()); got != `{"id":7,"ort":"Hier"}` {
		t.Errorf("the event has %s", got)
	}
}

// Faults: a request that is wrong fails the process by a BPMN error, one that nobody
// knows raises an incident, duplicates are answered each, and what comes after the
// process has given up is late.
func TestFaults(t *testing.T) {
	t.Parallel()
	w := newTown(t, 1)
	in, sink := w.adapter()
	start := func(key string) {
		t.Helper()
		if _, err := w.engine.Start(t.Context(), key, nil); err != nil {
			t.Fatal(err)
		}
	}
	start("falsch")
	start("unbekannt")
	w.until("failed", func(all []digiwfsim.Instance) bool {
		return all[0].State == digiwfsim.Failed && slices.Equal(all[0].Errors, []string{"VALIDATION_ERROR"}) && all[1].Incidents == 1
	})
	start("eilig")
	w.until("gave up", func(all []digiwfsim.Instance) bool { return all[2].State == digiwfsim.TimedOut && all[2].Sent == 1 })
	answer := event("de.a.geantwortet.v1", 3)
	w.published(in, 1)
	answer.Event.SetExtension(hub.AttrCausationID, in.Events()[0].ID())
	if err := sink.Deliver(t.Context(), answer); err != nil {
		t.Fatal(err)
	}
	w.until("late", func(all []digiwfsim.Instance) bool { return all[2].Late == 1 })
	w.engine.Duplicate(1)
	start("melden")
	w.until("answered twice", func(all []digiwfsim.Instance) bool {
		return all[3].Sent == 2 && all[3].Step == 1 && len(all[3].Messages) == 2 && all[3].Late == 1
	})
}

// The REST side wants a token, knows its processes, and takes orders.
func TestREST(t *testing.T) {
	t.Parallel()
	w := newTown(t, 1)
	if status, _ := w.call("/rest/service/definition", "", `{"key":"melden"}`); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	token := w.token("geheim")
	if w.token("falsch") != "" {
		t.Error("a token for a wrong secret")
	}
	if status, _ := w.call("/rest/service/definition", token, `{"key":"gibtsNicht"}`); status != http.StatusNotFound {
		t.Errorf("an unknown process: %d", status)
	}
	status, body := w.call("/rest/service/definition", token, `{"key":"melden","variables":{"ceCorrelationId":"vorgang-00000009"}}`)
	if status != http.StatusOK || !strings.Contains(body, "instanceId") {
		t.Fatalf("start: %d %s", status, body)
	}
	id := w.until("started", func(all []digiwfsim.Instance) bool { return len(all) == 1 && all[0].Sent == 1 })[0].ID
	for path, message := range map[string]string{
		"/rest/input/message/send/message": fmt.Sprintf(`{"instanceId":"%s","message":"gemeldet"}`, id),
	} {
		if status, body := w.call(path, token, message); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := w.call("/rest/message", token, `{"messageName":"gebuehrBezahlt","businessKey":"vorgang-00000009"}`); status != http.StatusNoContent {
		t.Errorf("by business key: %d", status)
	}
	if status, _ := w.call("/rest/message", token, `{"processInstanceId":"nicht-da","messageName":"x"}`); status != http.StatusNotFound {
		t.Errorf("an unknown instance: %d", status)
	}
	w.until("ended", func(all []digiwfsim.Instance) bool { return all[0].State == digiwfsim.Ended })
	if status, _ := w.call("/sim/stoerung", "", `{"neustart":true,"doppelt":2,"leiter":true}`); status != http.StatusNoContent {
		t.Errorf("faults: %d", status)
	}
	res, err := http.Get(w.rest.URL + "/sim/instanzen")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var state struct{ Instanzen []digiwfsim.Instance }
	if err := json.NewDecoder(res.Body).Decode(&state); err != nil || len(state.Instanzen) != 1 {
		t.Errorf("%+v %v", state, err)
	}
}

func (w *town) call(path, token, body string) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.rest.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return w.do(req)
}

func (w *town) token(secret string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.rest.URL+"/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("amtsbote", secret)
	_, body := w.do(req)
	var answer struct {
		Token string `json:"access_token"`
	}
	_ = json.Unmarshal([]byte(body), &answer)
	return answer.Token
}

func (w *town) do(req *http.Request) (int, string) {
	w.t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// The simulator runs from its settings until it is ended, and on loopback alone.
func TestSimulator(t *testing.T) {
	t.Parallel()
	sim := digiwfsim.Simulator()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sim.Run(ctx, adaptertest.Env(t.TempDir()), adaptertest.Settings(`{listen: '127.0.0.1:0', kafka-port: 0}`)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{
		`{listen: '0.0.0.0:1'}`, `{generation: 3}`, `{partitions: 0}`, `{environment: ''}`, `{key: x}`, `{duplicates: -1}`, `{kafka-port: 99999}`, `{processes: [{key: a, steps: [{value: "{"}]}]}`,
		`{processes: [{key: a, steps: [{if: [x]}]}]}`, `{processes: [{key: a, steps: [{answer: "1"}]}]}`, `{processes: [{key: a, steps: [{answer: "{}", message: m}]}]}`,
	} {
		if err := sim.Run(ctx, adaptertest.Env(t.TempDir()), adaptertest.Settings(bad)); err == nil {
			t.Errorf("%s runs", bad)
		}
	}
}
