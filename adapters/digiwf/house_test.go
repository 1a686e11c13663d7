package digiwf_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/digiwf"
	"github.com/amtsbote/amtsbote/adapters/digiwf/digiwfsim"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	cluster          = "amtsbote-digiwfsim"
	eventSource      = "urn:de:ags:09162000:system:digiwf"
	integrationTopic = "dwf-interop-local-01"
	engineTopic      = "dwf-digiwf-engine-local-01"
	connector        = "dwf-connector-local-01"
	bpmnError        = "dwf-connector-bpmnerror-local-01"
	incident         = "dwf-connector-incident-local-01"
	instanceID       = "b1a6f1f0-5d1f-11ed-9f2b-0242ac120002"
	patience         = 2 * time.Minute // for a loaded machine
)

// house is a broker, a DigiWF that writes on it by hand, and the adapter's folder.
type house struct {
	dir    string
	broker *digiwfsim.Broker
	client *kgo.Client
	logs   *observer.ObservedLogs
	log    *zap.Logger
}

func newHouse(t testing.TB, opts ...kfake.Opt) *house {
	t.Helper()
	h := &house{dir: t.TempDir()}
	var err error
	topics := []string{integrationTopic, engineTopic, connector, bpmnError, incident}
	if h.broker, err = digiwfsim.OpenBroker(0, t.TempDir(), 1, topics, opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.broker.Stop)
	if h.client, err = kgo.NewClient(kgo.SeedBrokers(h.broker.Address()), kgo.ProducerBatchMaxBytes(32<<20)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.client.Close)
	core, logs := observer.New(zap.DebugLevel)
	h.logs, h.log = logs, zap.New(core)
	return h
}

func (h *house) env() hub.Env {
	env := adaptertest.Env(h.dir)
	env.Federation, env.Log = h.dir, h.log
	return env
}

func (h *house) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// settings are YAML in flow style; more are keys beside them.
func (h *house) settings(requests string, more ...string) string {
	return fmt.Sprintf(`{source: '%s', environment: local-01, dir: memory, retry: {first: 1ms, most: 20ms},
 kafka: {brokers: ['%s'], plaintext: true, timeout: 60s, idle: 20ms},
 integration: {topic: 'dwf-interop-{environment}', requests: [%s]}%s}`,
		eventSource, h.broker.Address(), requests, strings.Join(append([]string{""}, more...), ",\n "))
}

func (h *house) source(yaml string) (hub.Source, error) {
	return digiwf.Kind().Source(h.env(), adaptertest.Settings(yaml))
}

func (h *house) sink(t testing.TB, yaml string) hub.Sink {
	t.Helper()
	sink, err := digiwf.Kind().Sink(h.env(), adaptertest.Settings(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// run runs a source until the test ends; stop ends it earlier.
func (h *house) run(t testing.TB, in hub.Intake, yaml string) (listener hub.Listener, stop func()) {
	t.Helper()
	source, err := h.source(yaml)
	if err != nil {
		t.Fatal(err)
	}
	listener, ok := source.(hub.Listener)
	if !ok {
		t.Fatal("the source is no listener")
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- source.Run(ctx, in) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-end; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return listener, stop
}

// asks are the headers of a request of generation 1, as the fixtures have them.
func asks(typ string) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: "type", Value: []byte(typ)},
		{Key: "digiwf.processinstanceid", Value: []byte(instanceID)},
		{Key: "digiwf.messagename", Value: []byte("eventPublished")},
		{Key: "spring_json_header_types", Value: []byte(`{"type":"java.lang.String","digiwf.processinstanceid":"java.lang.String","digiwf.messagename":"java.lang.String"}`)},
		{Key: "contentType", Value: []byte("application/json")},
	}
}

// put produces a record on the integration's topic.
func (h *house) put(t testing.TB, headers []kgo.RecordHeader, value string) *kgo.Record {
	t.Helper()
	rec := &kgo.Record{Topic: integrationTopic, Headers: headers, Value: []byte(value)}
	if err := h.produce(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

// produce gives the record the time that Kafka keeps.
func (h *house) produce(ctx context.Context, rec *kgo.Record) error {
	rec.Timestamp = time.Now().Truncate(time.Millisecond)
	return h.client.ProduceSync(ctx, rec).FirstErr()
}

// on gives all records of a topic, read from its beginning.
func (h *house) on(topic string) ([]*kgo.Record, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	info := h.broker.Cluster().PartitionInfo(topic, 0)
	if info == nil {
		return nil, fmt.Errorf("there is no topic %s", topic)
	}
	var all []*kgo.Record
	if info.HighWatermark == 0 {
		return nil, nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(h.broker.Address()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for int64(len(all)) < info.HighWatermark {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		all = append(all, fetches.Records()...)
	}
	return all, nil
}

// await waits until a topic has n records, and gives them.
func (h *house) await(t testing.TB, topic string, n int) []*kgo.Record {
	t.Helper()
	var all []*kgo.Record
	eventually(t, func() error {
		var err error
		if all, err = h.on(topic); err == nil && len(all) < n {
			err = fmt.Errorf("%s has %d records, want %d", topic, len(all), n)
		}
		return err
	})
	if len(all) != n {
		t.Fatalf("%s has %d records, want %d", topic, len(all), n)
	}
	return all
}

// eventually asks until there is no error: other processes give no notice.
func eventually(t testing.TB, ask func() error) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(3 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %v", patience, err)
		case <-again.C:
		}
	}
}

// events waits until the hub has n, and gives them.
func events(t testing.TB, in *adaptertest.Intake, n int) []hub.Event {
	t.Helper()
	eventually(t, func() error {
		if got := len(in.Events()); got < n {
			return fmt.Errorf("%d events, want %d", got, n)
		}
		return nil
	})
	if err := in.Breaches(); err != nil {
		t.Fatal(err)
	}
	return in.Events()
}

// aside gives the reasons of what was set aside.
func (h *house) aside() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(h.dir, "memory", "error", "*.fehler.json"))
	var all []string
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var r struct{ Code, Text string }
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, err
		}
		if _, err := os.Stat(strings.TrimSuffix(f, ".fehler.json")); err != nil {
			return nil, fmt.Errorf("a report without its record: %w", err)
		}
		all = append(all, r.Code+": "+r.Text)
	}
	return all, err
}

// owing tells whether a message of the source is still to be sent.
func (h *house) owing() error {
	files, err := filepath.Glob(filepath.Join(h.dir, "memory", "due", "*.json"))
	if err == nil && len(files) > 0 {
		err = fmt.Errorf("%d messages are still to be sent", len(files))
	}
	return err
}

func header(rec *kgo.Record, name string) string {
	for _, h := range slices.Backward(rec.Headers) {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
