package digiwf_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/digiwf"
	"github.com/amtsbote/amtsbote/hub"
)

// The broker answers each of its connections in goroutines of its own.
func foreign() []goleak.Option {
	const broker = "github.com/twmb/franz-go/pkg/kfake.(*clientConn)."
	return []goleak.Option{
		goleak.IgnoreAnyFunction(broker + "read"), goleak.IgnoreAnyFunction(broker + "read.func1"),
		goleak.IgnoreAnyFunction(broker + "write"), goleak.IgnoreAnyFunction(broker + "write.func1"),
	}
}

const publishEvent = `{type: publishEvent, envelope: true}`

func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{New: origin, Goroutines: foreign(), Patience: patience})
}

func origin(t testing.TB) adaptertest.Origin {
	h := newHouse(t)
	put := func(headers []kgo.RecordHeader, value string) func() error {
		return func() error {
			return h.produce(t.Context(), &kgo.Record{Topic: integrationTopic, Headers: headers, Value: []byte(value)})
		}
	}
	bad := func(name, value string) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: put(asks("publishEvent"), value)}
	}
	ids := map[int]string{} // of inputs that were put: the broker chooses the position
	return adaptertest.Origin{
		Source: func() (hub.Source, error) { return h.source(h.settings(publishEvent)) },
		Input: func(n int) adaptertest.Input {
			want := []adaptertest.Want{{EventRef: hub.EventRef{Source: eventSource, ID: ids[n], Type: "de.test.geschehen.v1"}}}
			return adaptertest.Input{Want: want, Put: func() error {
				value := fmt.Sprintf(`{"ceType":"de.test.geschehen.v1","data":{"nr":%d}}`, n)
				rec := &kgo.Record{Topic: integrationTopic, Headers: asks("publishEvent"), Value: []byte(value)}
				err := h.produce(t.Context(), rec)
				ids[n] = digiwf.EventID(cluster, rec)
				want[0].ID = ids[n]
				return err
			}}
		},
		Bad: []adaptertest.Input{
			bad("no JSON", `{"ceType":`), bad("no object", `[]`), bad("nothing", ""),
			bad("a name twice", `{"ceType":"de.a.b.v1","ceType":"de.a.b.v1"}`),
			bad("no type", `{"data":{}}`), bad("a bad subject", `{"ceType":"de.a.b.v1","ceSubject":"Ottilie Zaunkönig"}`),
			{Name: "no headers", Put: put(nil, `{"ceType":"de.a.b.v1"}`)},
			{Name: "an unknown type", Put: put(asks("getPerson"), `{"ceType":"de.a.b.v1"}`)},
			{Name: "no instance", Put: put(asks("publishEvent")[:1], `{"ceType":"de.a.b.v1"}`)},
		},
		SetAside:  h.aside,
		Confirmed: func() ([]string, error) { return h.confirmed(t) },
	}
}

// confirmed gives what DigiWF was told, once all is.
func (h *house) confirmed(t testing.TB) ([]string, error) {
	eventually(t, h.owing)
	var all []string
	for _, topic := range []string{connector, bpmnError, incident} {
		recs, err := h.on(topic)
		if err != nil {
			return nil, err
		}
		for _, rec := range recs {
			all = append(all, topic+" "+string(rec.Value))
		}
	}
	return all, nil
}

func TestSinkOverKafka(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{New: kafkaDestination, Goroutines: foreign(), Patience: patience})
}

const outRules = `out: [{event: de.parkausweis.beantragt.v1, start: parkausweis, variable: antrag},
 {event: de.gebuehr.bezahlt.v1, correlate: gebuehrBezahlt, business-key: correlationid}]`

func kafkaDestination(t testing.TB) adaptertest.Destination {
	h := newHouse(t)
	return adaptertest.Destination{
		Sink: func() (hub.Sink, error) {
			return digiwf.Kind().Sink(h.env(), adaptertest.Settings(h.settings(publishEvent, outRules)))
		},
		Event: application, Unmappable: unmappable(),
		Effects: func() ([]string, error) {
			recs, err := h.on(engineTopic)
			var all []string
			for _, rec := range recs {
				all = append(all, string(rec.Value))
			}
			return all, err
		},
		Down: func() (func() error, error) { return h.down(), nil },
	}
}

// down has the broker hang up on everybody until up is called.
func (h *house) down() (up func() error) {
	var away atomic.Bool
	away.Store(true)
	c := h.broker.Cluster()
	c.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if !away.Load() {
			return nil, nil, false
		}
		return nil, errors.New("down"), true
	})
	return func() error { away.Store(false); return nil }
}

func application(n int) hub.Event {
	e := cloudevents.New()
	e.SetID(fmt.Sprintf("antrag-%d", n))
	e.SetSource("urn:de:ags:09162000:system:onlinedienst")
	e.SetType("de.parkausweis.beantragt.v1")
	e.SetExtension(hub.AttrCorrelationID, fmt.Sprintf("vorgang-%08d", n))
	_ = e.SetData("application/json", []byte(`{"kennzeichen":"M AB 123"}`))
	return e
}

func unmappable() []hub.Event {
	unknown := application(90)
	unknown.SetType("de.test.unbekannt.v1")
	noJSON := application(91)
	noJSON.DataEncoded = []byte(`{"name":"Zaunkönig"`)
	nowhere := application(92)
	nowhere.SetType("de.gebuehr.bezahlt.v1")
	nowhere.SetExtension(hub.AttrCorrelationID, nil)
	return []hub.Event{unknown, noJSON, nowhere, {}}
}

func TestSinkOverREST(t *testing.T) {
	adaptertest.Sink(t, adaptertest.SinkCase{New: restDestination, Patience: patience, Goroutines: []goleak.Option{
		goleak.IgnoreAnyFunction("net/http.(*conn).serve"),
	}})
}

func restDestination(t testing.TB) adaptertest.Destination {
	d := newDesk(t)
	return adaptertest.Destination{
		Sink: func() (hub.Sink, error) {
			return digiwf.Kind().Sink(d.env(), adaptertest.Settings(d.settings("connector")))
		},
		Event: application, Unmappable: unmappable(),
		Effects: func() ([]string, error) { return d.taken("/rest/service/definition"), nil },
		Down: func() (func() error, error) {
			d.status.Store(http.StatusServiceUnavailable)
			return func() error { d.status.Store(0); return nil }, nil
		},
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for want, change := range map[string][2]string{
		"kafka.brokers":            {"brokers: ['" + h.broker.Address() + "'], ", ""},
		"source: ":                 {"source: '" + eventSource + "', ", ""},
		"integration.topic":        {"'dwf-interop-{environment}'", "'dwf-connector-{environment}'"},
		"integration.requests":     {publishEvent, `{type: publishEvent}`},
		"reply: event and answers": {publishEvent, `{type: a, envelope: true, reply: event}`},
		"stands twice":             {publishEvent, publishEvent + "," + `{type: PUBLISHevent, envelope: true}`},
		"environment missing":      {"environment: local-01, ", ""},
		"kafka.sasl":               {"plaintext: true,", "plaintext: true, sasl: {mechanism: plain},"},
		"nobody logs in":           {"plaintext: true,", "plaintext: true, sasl: {user: a, password-file: b},"},
		"kafka.tls":                {"plaintext: true,", "plaintext: true, tls: {ca: ca.pem},"},
		"a start has none":         {"{}", "out: [{event: de.a.b.v1, start: x, business-key: id}]"},
		"instance must not be":     {"{}", "rest: {url: 'http://example.org', form: engine}, out: [{event: de.a.b.v1, correlate: x, instance: none, business-key: id, via: rest}]"},
		"entry 1":                  {"{}", "out: [{event: de.a.b.v1, correlate: x, instance: none}]"},
		"rest.url":                 {"{}", "rest: {url: 'ftp://example.org'}"},
		"keep: ":                   {"{}", "keep: 24h"},
	} {
		base := h.settings(publishEvent, "{}")
		changed := strings.Replace(base, change[0], change[1], 1)
		changed = strings.Replace(changed, ",\n {}}", "}", 1)
		_, err := digiwf.Kind().Check(h.env(), adaptertest.Settings(changed))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	env := h.env()
	env.Production = true
	if _, err := digiwf.Kind().Source(env, adaptertest.Settings(h.settings(publishEvent))); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("production without TLS: %v", err)
	}
}
