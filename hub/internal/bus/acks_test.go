package bus

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

func TestReadAck(t *testing.T) {
	for _, c := range []struct {
		place, data string
		want        Ack
		ok          bool
	}{
		{"1.7.3.1700000000.0", "", Ack{Verb: VerbDone, Out: 7, Deliveries: 1}, true},
		{"2.7.3.1700000000.0", "+ACK", Ack{Verb: VerbDone, Out: 7, Deliveries: 2}, true},
		{"1.7.3.1700000000.0", "+OK", Ack{Verb: VerbDone, Out: 7, Deliveries: 1}, true},
		{"1.7.3.1700000000.0", "+TERM no such file", Ack{Verb: VerbRefuse, Out: 7, Deliveries: 1, Reason: "no such file"}, true},
		{"1.7.3.1700000000.0", `-NAK {"delay":1000}`, Ack{Verb: verbLater, Out: 7, Deliveries: 1}, true},
		{"1.7.3.1700000000.0", "+WPI", Ack{Verb: verbHold, Out: 7, Deliveries: 1}, true},
		{place: "1.7.3.1700000000.0", data: "+NXT 1"},
		{place: "1.7.3.1700000000.0", data: `{"stream":"IN_x","seq":1}`},
		{place: "1.7.3.1700000000", data: "+ACK"},
		{place: "1.7.3.1700000000.0.0", data: "+ACK"},
		{place: "1.-7.3.1700000000.0", data: "+ACK"},
		{place: "1.18446744073709551615.3.0.0", data: "+ACK"},
		{place: "", data: "+ACK"},
	} {
		got, err := readAck(c.place, []byte(c.data))
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("%s %q is %+v, %v", c.place, c.data, got, err)
		}
	}
}

// FuzzReadAck: what it reads it reads the same from where JetStream would.
func FuzzReadAck(f *testing.F) {
	f.Add("1.7.3.1700000000.0", []byte("+TERM x"))
	f.Add("1.7.3.1700000000.0", []byte("-NAK"))
	f.Fuzz(func(t *testing.T, place string, data []byte) {
		a, err := readAck(place, data)
		if err != nil {
			return
		}
		tokens := strings.Split(place, ".")
		if len(tokens) != 5 || strings.TrimLeft(tokens[1], "0") != strings.TrimLeft(fmt.Sprint(a.Out), "0") {
			t.Errorf("%q is copy %d", place, a.Out)
		}
		switch a.Verb {
		case VerbDone, VerbRefuse, verbLater, verbHold:
		default:
			t.Errorf("%q says %q", data, a.Verb)
		}
	})
}

// TestPassOn: copies that JetStream holds to be in a receiver's hands, and that are
// done, are so no more; others are.
func TestPassOn(t *testing.T) {
	b, _ := start(t)
	if err := b.EnsureMailbox(t.Context(), "lhm.own", 10); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := b.Publish(t.Context(), event.Message{Subject: "out.lhm.own.t", Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	cons, err := b.js.Consumer(t.Context(), Out, "lhm_own")
	if err != nil {
		t.Fatal(err)
	}
	batch, err := cons.Fetch(3)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for range batch.Messages() {
		taken++
	}
	n, err := b.PassOn(t.Context(), "lhm.own", func(out uint64) bool { return out != 2 })
	if n != 2 || err != nil || taken != 3 {
		t.Fatalf("PassOn = %d, %v after %d", n, err, taken)
	}
	if at := pendingOf(t, cons, 1); at.AckFloor.Stream != 1 || at.NumPending != 1 {
		t.Errorf("the mailbox is %+v", at)
	}
}

// pendingOf asks until so many are in hand.
func pendingOf(t *testing.T, cons jetstream.Consumer, n int) *jetstream.ConsumerInfo {
	t.Helper()
	for {
		info, err := cons.Info(t.Context())
		if err != nil || info.NumAckPending == n {
			return info
		}
	}
}
