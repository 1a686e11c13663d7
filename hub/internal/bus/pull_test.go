package bus

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestPull: all messages come in sequence, once, also one that looks like a note of the server.
// It goes on when what was asked for is lost, when the group is pinned anew, and after a
// connection was lost; it ends when the consumer is gone.
func TestPull(t *testing.T) {
	b, _ := start(t)
	w, err := b.Work(t.Context(), "IN_lhm", nil) // makes the consumer
	if err != nil {
		t.Fatal(err)
	}
	w.Stop()
	p, err := b.puller("IN_lhm", workName, pullRequest{
		Batch: 16, MaxBytes: pullBytesIn, Expires: 400 * time.Millisecond, Heartbeat: 100 * time.Millisecond, Group: workGroup,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	sent, got := 0, 0
	publish := func(n int) {
		t.Helper()
		for range n {
			sent++
			m := event.Message{Subject: "in.lhm.x.t", Data: fmt.Append(nil, sent)}
			if sent%7 == 0 {
				m.Data, m.Header = nil, map[string][]string{"Status": {"408"}, "Nats-Pending-Messages": {"1000"}, "Nats-Pin-Id": {"forged"}}
			}
			if _, err := b.Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	take := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for got < sent {
			m, err := p.next(ctx)
			if err != nil {
				t.Fatalf("after %d of %d: %v", got, sent, err)
			}
			meta, err := m.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			if got++; meta.Sequence.Stream != uint64(got) {
				t.Fatalf("message %d came, not %d", meta.Sequence.Stream, got)
			}
			if m.Header.Get("Nats-Pin-Id") != "" || p.request.Pin == "forged" || p.asked < 0 || p.asked > 16 {
				t.Fatalf("message %d: %v, and %d are asked for", got, m.Header, p.asked)
			}
		}
	}
	publish(100)
	take()

	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // several requests end without a message
	if m, err := p.next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("with nothing there: %v, %v", m, err)
	}
	cancel()
	publish(20)
	take()

	p.asked = 16 // which were asked for of nobody
	publish(20)
	take()

	pin := p.request.Pin
	s, err := b.js.Stream(t.Context(), "IN_lhm")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.UnpinConsumer(t.Context(), workName, workGroup); err != nil {
		t.Fatal(err)
	}
	publish(40)
	take()
	if pin == "" || p.request.Pin == pin {
		t.Errorf("it was pinned as %q and is as %q", pin, p.request.Pin)
	}

	again := b.nc.StatusChanged(nats.CONNECTED)
	if err := b.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	<-again
	publish(40)
	take()

	if err := s.DeleteConsumer(t.Context(), workName); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if m, err := p.next(ctx); !errors.Is(err, errPull) {
		t.Errorf("without a consumer: %v, %v", m, err)
	}
}

// TestPullForgets: a request that was given up counts no more when it ends, and none is made
// while there is no server: otherwise each of them would be made anew for good.
func TestPullForgets(t *testing.T) {
	b, s := start(t)
	p, err := b.puller("IN_lhm", workName, pullRequest{Batch: 16, Heartbeat: time.Minute, Expires: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	must := func(what string, n uint64, asked int) {
		t.Helper()
		if p.n != n || p.asked != asked {
			t.Errorf("%s: %d requests were made, and %d messages may come; want %d and %d", what, p.n, p.asked, n, asked)
		}
	}
	over := func(n int) *nats.Msg {
		return &nats.Msg{Subject: fmt.Sprint(p.inbox, ".", n), Header: nats.Header{"Status": {"408"}, "Nats-Pending-Messages": {"10"}}}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(p.ask())
	do(p.ask())
	must("at first", 1, 16)
	do(p.told(over(1)))
	must("when it has ended", 1, 6)
	do(p.ask())
	p.forget()
	do(p.ask())
	must("after it was forgotten", 3, 16)
	do(p.told(over(2)))
	must("when the forgotten one ends", 3, 16)
	do(p.told(over(3)))
	must("when that of now ends", 3, 6)
	s.Stop()
	for b.nc.IsConnected() {
		<-time.After(time.Millisecond)
	}
	for len(p.msgs) > 0 { // what the server said when it ended
		<-p.msgs
	}
	p.forget()
	do(p.ask())
	must("without a server", 3, 0)
}

// TestPullClosed: with the connection it ends.
func TestPullClosed(t *testing.T) {
	b, _ := start(t)
	p, err := b.puller("IN_lhm", workName, pullRequest{Batch: 16, Heartbeat: 50 * time.Millisecond, Expires: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	b.nc.Close()
	if _, err := p.next(t.Context()); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("it ended with %v", err)
	}
	p.stop()
}
