package bench

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestAB(t *testing.T) {
	bins := strings.Split(os.Getenv("AB"), ",")
	if bins[0] == "" {
		t.Skip()
	}
	n := setting(t, "EVENTS", 40_000)
	l := load{size: 1000, events: n}
	if os.Getenv("AB_PACED") != "" {
		l.rate, l.paced = 2000, 5*time.Second
	}
	for round := range setting(t, "ROUNDS", 3) {
		p := measure(t, bins[0], plain, l)
		t.Logf("%d plain: %.0f/s CPU %.2f+%.2f p50 %v p99 %v", round, p.rate, p.own.Seconds(), p.server.Seconds(), p.p50, p.p99)
		for k := range bins {
			b := bins[(k+round)%len(bins)]
			h := measure(t, b, hub, l)
			t.Logf("%d %s: %.0f/s (%.2f) CPU %.2f+%.2f=%.2f (%.2f) peak %.0f batches %d p50 %v (%.2f) p99 %v", round, b[strings.LastIndex(b, "/")+1:], h.rate, h.rate/p.rate, h.own.Seconds(), h.server.Seconds(), h.cpu().Seconds(), h.cpu().Seconds()/p.cpu().Seconds(), h.peak, h.batches, h.p50, float64(h.p50)/float64(max(p.p50, 1)), h.p99)
		}
	}
}
