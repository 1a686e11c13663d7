package hubtest

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Layout is small enough for a temporary directory.
var Layout = bus.Layout{Trail: 256 << 20, Out: 256 << 20, Quarantine: 64 << 20, Parked: 64 << 20, State: 8 << 20, Schemas: 8 << 20, Blobs: 64 << 20}

// Organisations of the test federation.
var Organisations = []bus.Organisation{{ID: "alpha", Quota: 64 << 20}, {ID: "beta", Quota: 64 << 20}}

// Bus starts a server with all streams and the mailboxes of the test
// federation.
func Bus(tb testing.TB) *bus.Bus {
	tb.Helper()
	return BusOf(tb, Layout)
}

// BusOf is Bus with streams of other sizes.
func BusOf(tb testing.TB, layout bus.Layout) *bus.Bus {
	tb.Helper()
	s, err := bus.StartEmbedded(bus.Embedded{
		Dir: tb.TempDir(), MaxStore: layout.Total(Organisations), AllowTemp: true,
	}, zap.NewNop())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Stop)
	b, err := s.Connect(tb.Context(), zap.NewNop())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	if err := b.EnsureStreams(tb.Context(), layout.Specs(Organisations)); err != nil {
		tb.Fatal(err)
	}
	for _, app := range []string{"beta.one", "beta.two"} {
		if err := b.EnsureMailbox(tb.Context(), app, 256); err != nil {
			tb.Fatal(err)
		}
	}
	return b
}

// Event is a message that publishes an event of type typ in binary mode.
func Event(id, typ, key, data string) event.Message {
	return event.Message{
		Subject: "in.alpha.app." + typ,
		Header: map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {id}, "ce-source": {Source}, "ce-type": {typ},
			"ce-correlationid": {key}, "Content-Type": {"application/json"},
		},
		Data: []byte(data),
	}
}

// Patience is how long a test waits before it gives up: only what fails waits so
// long, and a machine may have others to serve.
const Patience = 3 * time.Minute
