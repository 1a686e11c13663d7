package mend

import (
	"fmt"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// BenchmarkCompare reads OUT with 100 000 copies of 1 KB and compares it with its
// book, as every start does.
func BenchmarkCompare(b *testing.B) {
	const copies = 100_000
	nats := hubtest.Bus(b)
	l := openLedger(b)
	nats.Tell(l)
	data := make([]byte, 1000)
	for i := 0; i < copies; i += 500 {
		msgs := make([]event.Message, 500)
		for k := range msgs {
			msgs[k] = event.Message{
				Subject: "out.beta.one.de.test.ding.v1", Data: fmt.Appendf(data[:0:0], "%d%s", i+k, data),
				Header: map[string][]string{event.HeaderIn: {"IN_alpha"}, event.HeaderSeq: {fmt.Sprint(i + k)}},
			}
		}
		if _, err := nats.AppendUnguarded(b.Context(), msgs); err != nil {
			b.Fatal(err)
		}
	}
	m := &Mender{Bus: nats, Ledger: l, Log: zap.NewNop()}
	for b.Loop() {
		c, err := m.compare(b.Context(), bus.Out)
		if err != nil || c.expected != copies || len(c.losses) > 0 {
			b.Fatalf("%d expected, %d losses: %v", c.expected, len(c.losses), err)
		}
	}
	b.ReportMetric(copies*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
