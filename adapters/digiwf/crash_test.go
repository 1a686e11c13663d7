package digiwf_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// undo makes every mark that a message was sent one that it was begun: what a crash
// leaves between the broker's acknowledgement and the mark.
func (h *house) undo(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.dir, "memory", "sent", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("nothing was marked", err)
	}
	for _, f := range files {
		var m map[string]any
		raw, err := os.ReadFile(f)
		if err != nil || json.Unmarshal(raw, &m) != nil || m["done"] != true {
			t.Fatal(string(raw), err)
		}
		m["done"] = false
		if raw, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A start that a crash has cut off is looked for on the topic: the engine knows no
// repetition (city.md 1.5), and would start two processes.
func TestCrashWhileHandingOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	yaml := h.settings(publishEvent, outRules)
	for n := range 3 {
		if err := deliver(t, h.sink(t, yaml), fmt.Sprint("d", n), application(n)); err != nil {
			t.Fatal(err)
		}
	}
	h.undo(t) // after the acknowledgement, before the mark
	for n := range 3 {
		if err := deliver(t, h.sink(t, yaml), fmt.Sprint("d", n), application(n)); err != nil {
			t.Fatal(err)
		}
	}
	h.await(t, engineTopic, 3)

	// Before the broker had it: written down, and not sent.
	h.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed})
	if err := deliver(t, h.sink(t, yaml), "d4", application(4)); code(err) != "not-allowed" || hub.FaultOf(err).Permanent {
		t.Fatalf("a broker that refuses: %v", err)
	}
	if err := deliver(t, h.sink(t, yaml), "d4", application(4)); err != nil {
		t.Fatal(err)
	}
	h.await(t, engineTopic, 4)

	// A topic that cannot be looked at is no reason to send again, unless that is set.
	h.undo(t)
	fault := h.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	if err := deliver(t, h.sink(t, yaml), "d4", application(4)); code(err) != "not-sure" || hub.FaultOf(err).Permanent {
		t.Fatalf("without a right to look: %v", err)
	}
	blind := strings.Replace(yaml, "plaintext: true", "plaintext: true, look-back: false", 1)
	if err := deliver(t, h.sink(t, blind), "d4", application(4)); err != nil {
		t.Fatal(err)
	}
	fault.Remove()
	h.await(t, engineTopic, 5)
}

// The answer of the broker is lost after it has stored the record: the client sends
// it again under the same sequence number, and the broker has it once.
func TestLostAcknowledgement(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut})
	if err := deliver(t, h.sink(t, h.settings(publishEvent, outRules)), "d1", application(1)); err != nil {
		t.Fatal(err)
	}
	h.await(t, engineTopic, 1)
}

// All records of the topic come again, as when no commit had arrived: no event is
// new, no answer is sent twice, and what was set aside is set aside once. Each of the
// steps between (written down, due, sent) is there in one of the requests.
func TestEveryRecordAgain(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := h.settings(askedForEvent + `, {type: stored, envelope: true, reply: stored}, {type: delivered, envelope: true}`)
	source, stop := h.run(t, in, yaml)
	for _, typ := range []string{"stored", "delivered", "delivered", "holeStellungnahme", "holeStellungnahme", "unknown"} {
		h.put(t, asks(typ), request)
	}
	all := events(t, in, 5)
	settled := hub.Settlement{EventRef: hub.EventRef{Source: eventSource, ID: all[1].ID()}, Outcome: hub.Routed}
	if err := errors.Join(source.Settled(t.Context(), settled),
		deliver(t, h.sink(t, yaml), "d1", answering("de.bau.stellungnahme-abgegeben.v1", all[3].ID(), `{}`))); err != nil {
		t.Fatal(err)
	}
	h.await(t, connector, 3)
	h.await(t, incident, 1)
	eventually(t, h.owing)
	stop()

	h.undo(t)
	again := strings.Replace(yaml, "plaintext: true", "plaintext: true, group: another", 1)
	source, _ = h.run(t, in, again)
	h.put(t, asks("stored"), request)
	events(t, in, 6)
	if err := source.Settled(t.Context(), settled); err != nil {
		t.Fatal(err)
	}
	h.await(t, connector, 4)
	eventually(t, h.owing)
	h.await(t, incident, 1)
	h.await(t, bpmnError, 0)
	if reasons, err := h.aside(); err != nil || len(reasons) != 1 {
		t.Errorf("set aside: %q %v", reasons, err)
	}
	open, err := filepath.Glob(filepath.Join(h.dir, "memory", "open", "*.json"))
	if err != nil || len(open) != 2 {
		t.Errorf("%d requests are open, want the two without an answer: %v", len(open), err)
	}
}

// damage cuts off the files of an event.
func (h *house) damage(t *testing.T, folder, id string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.dir, "memory", folder, id+"*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("nothing to damage", err)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte(`{"id":"geheim`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What is half written after a crash is no memory, and what is damaged is an error
// that names the file and not its content.
func TestDamagedMemory(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := h.settings(askedForEvent)
	_, stop := h.run(t, in, yaml)
	h.put(t, asks("holeStellungnahme"), request)
	id := events(t, in, 1)[0].ID()
	stop()
	h.write(t, "memory/open/.tmp-123", `{"id":`)
	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(h.dir, "memory/open/.tmp-123"), past, past); err != nil {
		t.Fatal(err)
	}
	h.write(t, "memory/open/.tmp-456", `{"id":`) // one that is being written: settings are loaded anew
	h.damage(t, "open", id)
	sink := h.sink(t, yaml)
	if _, err := os.Stat(filepath.Join(h.dir, "memory/open/.tmp-123")); !errors.Is(err, os.ErrNotExist) {
		t.Error("what was half written is there yet")
	}
	if _, err := os.Stat(filepath.Join(h.dir, "memory/open/.tmp-456")); err != nil {
		t.Error("what is being written was removed")
	}
	err := deliver(t, sink, "d1", answering("de.bau.stellungnahme-abgegeben.v1", id, `{}`))
	if err == nil || hub.FaultOf(err).Permanent || !strings.Contains(err.Error(), id) || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a damaged file: %v", err)
	}
}

// Two records that DigiWF has sent twice are one event where the request's key or
// content tells so; each of them is answered.
func TestDuplicateRecords(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.run(t, in, h.settings(`{type: byKey, envelope: true, id: key, reply: stored}, {type: byContent, envelope: true, id: content, reply: stored}, {type: byPosition, envelope: true, reply: stored}`))
	for _, typ := range []string{"byKey", "byContent", "byPosition"} {
		for range 2 {
			rec := &kgo.Record{Topic: integrationTopic, Key: []byte("auftrag-1"), Headers: asks(typ), Value: []byte(request)}
			if err := h.produce(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.put(t, asks("byPosition"), request)
	if all := events(t, in, 5); len(all) != 5 {
		t.Errorf("%d events", len(all))
	}
	h.await(t, connector, 7)
}
