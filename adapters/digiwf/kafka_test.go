package digiwf_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// Hostile records are set aside whole, each with its reason, and what stands behind
// them flows.
func TestHostileRecords(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.run(t, in, h.settings(publishEvent))
	good := `{"ceType":"de.a.geschehen.v1"}`
	many := asks("publishEvent")
	for i := range 20_000 {
		many = append(many, kgo.RecordHeader{Key: fmt.Sprint("digiwf.x", i), Value: []byte("y")})
	}
	long := append(asks("publishEvent"), kgo.RecordHeader{Key: "digiwf.x", Value: bytes.Repeat([]byte("y"), 1<<20)})
	noID := slices.Clone(asks("publishEvent"))
	noID[1].Value = []byte("../../etc/passwd")
	records := []*kgo.Record{
		{Value: nil},
		{Headers: asks("publishEvent"), Value: nil},
		{Headers: asks("publishEvent"), Value: []byte("\xff\xfe")},
		{Headers: asks("publishEvent"), Value: append([]byte(good), make([]byte, 10<<20)...)},
		{Headers: asks("publishEvent"), Value: []byte(`{"a":` + strings.Repeat("[", 100_000))},
		{Headers: many, Value: []byte(good)},
		{Headers: long, Value: []byte(good)},
		{Headers: noID, Value: []byte(good)},
		{Key: bytes.Repeat([]byte("k"), 1<<20), Headers: asks("")},
	}
	for _, rec := range records {
		rec.Topic = integrationTopic
		if err := h.produce(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		h.put(t, asks("publishEvent"), good)
	}
	events(t, in, len(records))
	for _, rec := range records {
		name := fmt.Sprintf("%s-0-%d-%d.json", integrationTopic, rec.Offset, rec.Timestamp.UnixMilli())
		var kept kgo.Record
		raw, err := os.ReadFile(filepath.Join(h.dir, "memory", "error", name))
		if err != nil || json.Unmarshal(raw, &kept) != nil {
			t.Fatalf("record at %d was not kept: %v", rec.Offset, err)
		}
		same := func(a, b kgo.RecordHeader) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) }
		if !bytes.Equal(kept.Key, rec.Key) || !bytes.Equal(kept.Value, rec.Value) || !slices.EqualFunc(kept.Headers, rec.Headers, same) {
			t.Errorf("record at %d was not kept whole", rec.Offset)
		}
	}
	if reasons, err := h.aside(); err != nil || len(reasons) != len(records) {
		t.Errorf("set aside: %q %v", reasons, err)
	}
	eventually(t, h.owing)
	told, err := h.on(bpmnError)
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range told {
		if header(rec, "digiwf.processinstanceid") != instanceID || len(rec.Value) > 1000 {
			t.Errorf("a process is told %s", rec.Value)
		}
	}
}

// A batch that unpacks to more than can be held is passed over with a report, and
// stands in no one's way.
func TestDecompressionBomb(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.bomb(t)
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1"}`)
	_, stop := h.run(t, in, h.settings(publishEvent))
	events(t, in, 1)
	if reasons, err := h.aside(); err != nil || len(reasons) != 1 || !strings.HasPrefix(reasons[0], "too-large") {
		t.Errorf("set aside: %q %v", reasons, err)
	}
	stop()
}

// The broker is restarted again and again: all records become events, each one, in
// order, and all are answered.
func TestBrokerRestarts(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.run(t, in, h.settings(`{type: publishEvent, envelope: true, reply: stored}`))
	const records = 30
	for n := range records {
		if n%10 == 5 {
			if err := h.broker.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		h.put(t, asks("publishEvent"), fmt.Sprintf(`{"ceType":"de.a.geschehen.v1","data":{"nr":%d}}`, n))
	}
	for n, e := range events(t, in, records) {
		if string(e.Data()) != fmt.Sprintf(`{"nr":%d}`, n) {
			t.Fatalf("event %d is %s", n, e.Data())
		}
	}
	h.await(t, connector, records)
}

// Two hubs share the partitions, one comes and one goes: each record becomes one
// event, and those of one process instance stay in their order.
func TestRebalance(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t, kfake.SeedTopics(4, integrationTopic)), adaptertest.NewIntake()
	yaml := h.settings(`{type: publishEvent, envelope: true, reply: none}`)
	other := strings.Replace(yaml, "dir: memory", "dir: other", 1)
	sent := 0
	put := func(n int) {
		for range n {
			headers := asks("publishEvent")
			instance := fmt.Sprintf("instance-%02d", sent%7)
			headers[1].Value = []byte(instance)
			rec := &kgo.Record{Topic: integrationTopic, Key: []byte(instance), Headers: headers, Value: fmt.Appendf(nil, `{"ceType":"de.a.geschehen.v1","data":{"nr":%d}}`, sent)}
			if err := h.produce(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
			sent++
		}
	}
	put(20)
	_, stopFirst := h.run(t, in, yaml)
	events(t, in, 5)
	_, stopSecond := h.run(t, in, other)
	put(40)
	events(t, in, 60)
	stopFirst()
	put(20)
	events(t, in, 80)
	_, _ = h.run(t, in, yaml)
	stopSecond()
	put(20)
	last := map[string]int{}
	all := events(t, in, 100)
	for _, e := range all {
		var data struct{ Nr int }
		instance, _ := e.Extensions()[hub.AttrCorrelationID].(string)
		if err := json.Unmarshal(e.Data(), &data); err != nil {
			t.Fatal(err)
		}
		if before, ok := last[instance]; ok && before >= data.Nr {
			t.Errorf("%s: %d after %d", instance, data.Nr, before)
		}
		last[instance] = data.Nr
	}
	if len(all) != sent {
		t.Errorf("%d events of %d records", len(all), sent)
	}
}

// Mutual TLS (city.md 1.2), and a login over it; a broker that nobody vouches for, and
// a wrong password, are errors and no way around.
func TestTLSAndSASL(t *testing.T) {
	t.Parallel()
	ca, caKey, _ := certify(t, nil, nil)
	_, _, server := certify(t, ca, caKey)
	_, _, client := certify(t, ca, caKey)
	pair, err := tls.X509KeyPair(server, server)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := tls.X509KeyPair(client, client)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	for mechanism, name := range map[string]string{"": "", "plain": "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512"} {
		opts := []kfake.Opt{kfake.TLS(&tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
		})}
		login := []kgo.Opt{kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: []tls.Certificate{mine}})}
		if name != "" {
			opts = append(opts, kfake.EnableSASL(), kfake.Superuser(name, "amtsbote", "pass,wort="), kfake.Superuser("SCRAM-SHA-256", "boss", "boss"))
			login = append(login, kgo.SASL(scram.Auth{User: "boss", Pass: "boss"}.AsSha256Mechanism()))
		}
		h := newHouse(t, opts...)
		h.client.Close()
		if h.client, err = kgo.NewClient(append(login, kgo.SeedBrokers(h.broker.Address()))...); err != nil {
			t.Fatal(err)
		}
		h.write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})))
		h.write(t, "client.pem", string(client))
		h.write(t, "password", "pass,wort=\n")
		keys := "tls: {ca: ca.pem, cert: client.pem, key: client.pem}"
		if mechanism != "" {
			keys += ", sasl: {mechanism: " + mechanism + ", user: amtsbote, password-file: password}"
		}
		yaml := strings.Replace(h.settings(publishEvent, outRules), "plaintext: true", keys, 1)
		in := adaptertest.NewIntake()
		_, stop := h.run(t, in, yaml)
		h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1"}`)
		events(t, in, 1)
		stop()
		if err := deliver(t, h.sink(t, yaml), "d1", application(1)); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
		h.refused(t, strings.Replace(yaml, "ca: ca.pem, ", "", 1))
		if mechanism != "" {
			h.write(t, "password", "falsch")
			h.refused(t, yaml)
		}
	}
}

// refused holds when Run does not go on.
func (h *house) refused(t *testing.T, yaml string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	source, err := h.source(yaml)
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Run(ctx, adaptertest.NewIntake()); err == nil || errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		t.Errorf("Run went on: %v", err)
	} else if strings.Contains(err.Error(), "falsch") {
		t.Errorf("the error holds the password: %v", err)
	}
}

// A topic that is made anew counts from 0 again: its records are others.
func TestTopicMadeAnew(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.put(t, asks("publishEvent"), request)
	other := *first
	other.Timestamp = first.Timestamp.Add(time.Millisecond)
	if a, b := eventIDOf(first), eventIDOf(&other); a == b || a != eventIDOf(first) {
		t.Error("the ids are not of the records' positions and times")
	}
}
