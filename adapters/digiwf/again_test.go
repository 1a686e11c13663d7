package digiwf_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// again asks for the event with the key auftrag-1 by another process instance, and
// waits until that is written down.
func (h *house) again(t *testing.T, typ, instance string) {
	t.Helper()
	before := h.open(t)
	headers := asks(typ)
	headers[1].Value = []byte(instance)
	rec := &kgo.Record{Topic: integrationTopic, Key: []byte("auftrag-1"), Headers: headers, Value: []byte(request)}
	if err := h.produce(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if n := h.open(t); n != before+1 {
			return fmt.Errorf("%d requests are open", n)
		}
		return nil
	})
}

func (h *house) open(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.dir, "memory", "open", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// told gives the process instances that have a message on the topic, in order.
func (h *house) told(t *testing.T, topic string, n int) string {
	t.Helper()
	var all []string
	for _, rec := range h.await(t, topic, n) {
		all = append(all, string(rec.Key))
	}
	return strings.Join(all, " ")
}

// Several records ask for one event: each is answered by what became of its own, once,
// and none by what became of another's.
func TestAskedAgain(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	source, _ := h.run(t, in, h.settings(`{type: byKey, envelope: true, id: key}`))
	h.again(t, "byKey", "instance-1")
	id := events(t, in, 1)[0].ID()
	settle := func(outcome hub.Outcome, code string) {
		t.Helper()
		end := hub.Settlement{EventRef: hub.EventRef{Source: eventSource, ID: id}, Outcome: outcome, Code: code}
		if err := source.Settled(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	settle(hub.Unrouted, "")
	if got := h.told(t, bpmnError, 1); got != "instance-1" {
		t.Fatal(got)
	}
	h.again(t, "byKey", "instance-2") // now there is an agreement
	h.again(t, "byKey", "instance-3") // with another content
	settle(hub.Quarantined, "CONFLICT")
	if got := h.told(t, bpmnError, 2); got != "instance-1 instance-3" {
		t.Fatal(got)
	}
	settle(hub.Routed, "")
	if got := h.told(t, connector, 1); got != "instance-2" {
		t.Fatal(got)
	}
	h.again(t, "byKey", "instance-4") // known, and settled already
	settle(hub.Suppressed, "")
	if got := h.told(t, connector, 2); got != "instance-2 instance-4" {
		t.Fatal(got)
	}
	h.again(t, "byKey", "instance-5")
	settle(hub.Quarantined, "CONFLICT")
	if got := h.told(t, bpmnError, 3); got != "instance-1 instance-3 instance-5" || h.open(t) != 0 {
		t.Fatal(got, h.open(t))
	}
}

// That an id is another event's is said again after a restart of the hub: it is not
// the first one's then.
func TestConflictToldTwice(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	source, _ := h.run(t, in, h.settings(`{type: byKey, envelope: true, id: key}`))
	h.again(t, "byKey", "instance-1")
	id := events(t, in, 1)[0].ID()
	h.again(t, "byKey", "instance-2")
	end := hub.Settlement{EventRef: hub.EventRef{Source: eventSource, ID: id}, Outcome: hub.Quarantined, Code: "CONFLICT"}
	for range 2 {
		if err := source.Settled(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.told(t, bpmnError, 1); got != "instance-2" || h.open(t) != 1 {
		t.Fatal(got, h.open(t))
	}
}

// An event answers all who asked for the same; who asks when it has come is told that
// nothing more will.
func TestAskedAgainForAnEvent(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := h.settings(strings.Replace(askedForEvent, "reply: event", "reply: event, id: key", 1))
	source, _ := h.run(t, in, yaml)
	h.again(t, "holeStellungnahme", "instance-1")
	id := events(t, in, 1)[0].ID()
	h.again(t, "holeStellungnahme", "instance-2")
	end := hub.Settlement{EventRef: hub.EventRef{Source: eventSource, ID: id}, Outcome: hub.Routed}
	again := end
	again.Outcome = hub.Suppressed
	answer := answering("de.bau.stellungnahme-abgegeben.v1", id, `{}`)
	if err := errors.Join(source.Settled(t.Context(), end), source.Settled(t.Context(), again)); err != nil || h.open(t) != 2 {
		t.Fatal(err, h.open(t))
	}
	for range 2 {
		if err := deliver(t, h.sink(t, yaml), "d1", answer); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.told(t, connector, 2); got != "instance-1 instance-2" {
		t.Fatal(got)
	}
	h.again(t, "holeStellungnahme", "instance-3")
	if err := source.Settled(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if got := h.told(t, incident, 1); got != "instance-3" || h.open(t) != 0 {
		t.Fatal(got, h.open(t))
	}
}

// A record that the hub refuses for good takes nothing from the one that asked before.
func TestRefusedRecordClosesNoOther(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	h.run(t, in, h.settings(`{type: byKey, envelope: true, id: key}`))
	h.again(t, "byKey", "instance-1")
	events(t, in, 1)
	in.Follow(func(context.Context, int, hub.Event, func() error) error { return hub.Permanent("too-large", "boom") })
	headers := asks("byKey")
	headers[1].Value = []byte("instance-2")
	if err := h.produce(t.Context(), &kgo.Record{Topic: integrationTopic, Key: []byte("auftrag-1"), Headers: headers, Value: []byte(request)}); err != nil {
		t.Fatal(err)
	}
	if got := h.told(t, bpmnError, 1); got != "instance-2" || h.open(t) != 1 {
		t.Fatal(got, h.open(t))
	}
}

// An answer that is under way when the time is over keeps its request; so does one
// that comes back to it.
func TestAnswerUnderWayInTime(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	plain := h.settings(askedForEvent)
	_, stop := h.run(t, in, plain)
	h.put(t, asks("holeStellungnahme"), request)
	id := events(t, in, 1)[0].ID()
	stop()
	if err := deliver(t, h.sink(t, plain), "d1", answering("de.bau.stellungnahme-abgegeben.v1", id, `{}`)); err != nil {
		t.Fatal(err)
	}
	// As when the acknowledgement had not come: begun, and the request is open.
	h.undo(t)
	again := strings.Replace(plain, "plaintext: true", "plaintext: true, group: another", 1)
	timed := strings.Replace(again, "reply: event", "reply: event, within: 1ms", 1)
	h.reopen(t, id)
	_, stop = h.run(t, in, timed)
	h.put(t, asks("holeStellungnahme"), request) // its time is over; it is looked at after the other
	h.await(t, incident, 1)
	stop()
	if h.open(t) != 1 {
		t.Fatalf("%d requests are open, want the one with an answer under way", h.open(t))
	}
	if err := deliver(t, h.sink(t, plain), "d1", answering("de.bau.stellungnahme-abgegeben.v1", id, `{}`)); err != nil {
		t.Fatal(err)
	}
	h.await(t, connector, 1)
}

// reopen writes an answered request down anew.
func (h *house) reopen(t *testing.T, id string) {
	t.Helper()
	var k struct{ Asked []string }
	h.read(t, "memory/known/"+id+".json", &k)
	h.write(t, "memory/open/"+id+"."+k.Asked[0]+".json", fmt.Sprintf(
		`{"id":%q,"mark":%q,"type":"holeStellungnahme","reply":"event","instance":%q,"message":"m","since":"2026-05-04T10:00:00Z"}`, id, k.Asked[0], instanceID))
}

// An answer that names no request, in a case where one had no answer in time, may be
// that one's: the next request does not get it.
func TestLateAnswerIsNotTheNextOnes(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := h.settings(strings.Replace(askedForEvent, "reply: event", "reply: event, within: 1ms", 1))
	_, stop := h.run(t, in, yaml)
	h.put(t, asks("holeStellungnahme"), request)
	h.await(t, incident, 1)
	stop()
	patient := h.settings(askedForEvent)
	h.run(t, in, patient)
	h.put(t, asks("holeStellungnahme"), request)
	events(t, in, 2)
	if err := deliver(t, h.sink(t, patient), "d1", answering("de.bau.stellungnahme-abgegeben.v1", "", `{}`)); code(err) != "ambiguous" || h.open(t) != 1 {
		t.Errorf("%v, %d open", err, h.open(t))
	}
}

// A file that a crash has damaged holds up no partition: the record writes it anew.
func TestDamagedFileHoldsUpNoPartition(t *testing.T) {
	t.Parallel()
	h, in := newHouse(t), adaptertest.NewIntake()
	yaml := h.settings(publishEvent)
	_, stop := h.run(t, in, yaml)
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1"}`)
	id := events(t, in, 1)[0].ID()
	stop()
	h.damage(t, "open", id)
	h.damage(t, "known", id)
	source, _ := h.run(t, in, strings.Replace(yaml, "plaintext: true", "plaintext: true, group: another", 1))
	h.put(t, asks("publishEvent"), `{"ceType":"de.a.geschehen.v1"}`)
	events(t, in, 2)
	end := hub.Settlement{EventRef: hub.EventRef{Source: eventSource, ID: id}, Outcome: hub.Routed}
	if err := source.Settled(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	h.await(t, connector, 1)
}
