package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// poison are events that each break something on their way: the numbers crash
// the schema library (facts), the others are refused in other rooms.
var poison = []string{
	`{"n":1e10000000}`, `{"n":-1e-99999999}`, `{"n":1,"n":2}`, "{\"n\":1,\"text\":\"\xff\"}", `{"n":`,
}

// TestPoisonFirst puts poison first in the queue and 100 good events behind it.
// The good ones are through within two seconds, and three restarts, the poison
// still in the stream, make no crash loop.
func TestPoisonFirst(t *testing.T) {
	t.Parallel()
	notRaced(t)
	h := newHost(t, buildHub(t), "")
	h.start()
	if !h.comesUp() {
		t.Fatal("the hub did not come up")
	}
	_, js := h.connect()
	began := time.Now()
	for i, data := range poison {
		sendOne(t, js, fmt.Sprintf("poison-%d", i), data)
	}
	for i := range 100 {
		sendOne(t, js, fmt.Sprintf("good-%d", i), fmt.Sprintf(`{"n":%d}`, i))
	}
	through(t, js, 200)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the good events were through after %s, must be within 2 s", took)
	}
	for range 3 {
		h.kill()
		h.start()
		if !h.comesUp() {
			t.Fatal("the poison ends the hub at its start")
		}
		h.waitCursors("TRAIL")
	}
	_, js = h.connect()
	through(t, js, 200)
	n := 0
	readAll(t, js, "QUARANTINE", func(m jetstream.Msg, _ uint64) {
		if m.Headers().Get("Amtsbote-Code") != "" {
			n++
		}
	})
	if n != len(poison) {
		t.Errorf("%d events in quarantine, want the %d poisoned ones", n, len(poison))
	}
}

func sendOne(t *testing.T, js jetstream.JetStream, id, data string) {
	t.Helper()
	e := hubtest.Event(id, hubtest.Ding, id, data)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := js.PublishMsg(ctx, &nats.Msg{Subject: e.Subject, Header: e.Header, Data: e.Data}); err != nil {
		t.Fatal(err)
	}
}

// through waits until exactly so many copies are stored.
func through(t *testing.T, js jetstream.JetStream, copies int) {
	t.Helper()
	eventually(t, "the good events' copies", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		s, err := js.Stream(ctx, "OUT")
		if err != nil {
			return err
		}
		info, err := s.Info(ctx, jetstream.WithSubjectFilter("out.beta.>"))
		if err != nil {
			return err
		}
		n := uint64(0)
		for _, of := range info.State.Subjects {
			n += of
		}
		if n != uint64(copies) {
			return errors.New(fmt.Sprint(n, " copies"))
		}
		return nil
	})
}
