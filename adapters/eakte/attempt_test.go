package eakte_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/eakte"
	"github.com/amtsbote/amtsbote/hub"
)

// later is when nothing is under way any more.
func later() time.Time { return time.Now().Add(24 * time.Hour) }

// No answer comes to a call, one after another, until the hub gives up: it tries again,
// and nothing is made twice.
func TestNoAnswer(t *testing.T) {
	for call := range 6 {
		o := newOffice(t)
		o.order(t, fmt.Sprintf(`{"art":"frist","vorher":%d}`, call))
		sink, d := o.newSink(t), delivery(1, filed(1, "a", "x"))
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() { end <- sink.Deliver(ctx, d) }()
		o.called(t, call+1)
		cancel()
		if err := <-end; err == nil || hub.FaultOf(err).Permanent {
			t.Fatalf("call %d: %v", call, err)
		}
		deliver(t, eakte.At(o.newSink(t), later), d)
		if got := o.state(); got != "1 1 1 3" {
			t.Errorf("call %d: the E-Akte has %s", call, got)
		}
	}
}

// called waits until the E-Akte was called n times.
func (o *office) called(t *testing.T, n int) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for o.sim.Calls() < n {
		select {
		case <-deadline.C:
			t.Fatal("not called within two minutes")
		case <-tick.C:
		}
	}
}

// What a call without a usable answer may have made is looked for again and again, and
// made again only when it can no more come of that call. A call that was refused needs no
// such wait.
func TestUnsureAttempt(t *testing.T) {
	for _, path := range []string{"/api/files", "/api/procedures", "/api/incomings"} {
		for art, unsure := range map[string]bool{"typen": true, "500": true, "400": true, "429": false, "403": false} {
			o := newOffice(t)
			calls := map[string]int{"/api/files": 1, "/api/procedures": 3, "/api/incomings": 5}[path]
			o.order(t, fmt.Sprintf(`{"art":"%s","vorher":%d}`, art, calls))
			d := delivery(1, filed(1, "a", "x"))
			if err := o.newSink(t).Deliver(t.Context(), d); err == nil || hub.FaultOf(err).Permanent {
				t.Fatalf("%s %s: %v", path, art, err)
			}
			before := o.state()
			again := o.newSink(t)
			err := again.Deliver(t.Context(), d)
			if !unsure {
				if err != nil || o.state() != "1 1 1 3" {
					t.Errorf("%s %s: %v, %s", path, art, err, o.state())
				}
				continue
			}
			if f := hub.FaultOf(err); err == nil || f.Code != "ungewiss" || !f.Later || f.After <= 0 || f.After > 180*time.Second || o.state() != before {
				t.Errorf("%s %s: %v, %s", path, art, err, o.state())
			}
			deliver(t, eakte.At(again, later), d)
			if o.state() != "1 1 1 3" {
				t.Errorf("%s %s: %s", path, art, o.state())
			}
		}
	}
}
