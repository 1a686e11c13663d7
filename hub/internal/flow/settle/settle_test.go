package settle

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

func TestSettle(t *testing.T) {
	plain := errors.New("connection reset")
	for _, c := range []struct {
		name    string
		err     error
		attempt int
		jitter  float64
		want    Decision
	}{
		{"no fault releases", nil, 1, 0, Decision{Verdict: Release}},
		{"no fault releases, whatever the attempt", nil, 99, 0.5, Decision{Verdict: Release}},
		{"permanent goes to quarantine at once", hub.Permanent("unmappable", "no"), 1, 0, Decision{Verdict: Quarantine}},
		{"permanent deep in the chain", fmt.Errorf("deliver: %w", hub.Permanent("x", "no")), 7, 0, Decision{Verdict: Quarantine}},
		{"an unknown error is tried again", plain, 1, 0, Decision{Again, time.Second}},
		{"delays double", plain, 4, 0, Decision{Again, 8 * time.Second}},
		{"jitter takes off up to half", plain, 4, 0.5, Decision{Again, 6 * time.Second}},
		{"delays end at the maximum", plain, 11, 0, Decision{Again, MaxDelay}},
		{"no overflow", plain, 1 << 30, 0, Decision{Again, MaxDelay}},
		{"the other side's Retry-After counts", &hub.Fault{Code: "busy", After: time.Minute}, 1, 0, Decision{Again, time.Minute}},
		{"but does not shorten", &hub.Fault{Code: "busy", After: time.Second}, 8, 0, Decision{Again, 128 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Settle(c.err, c.attempt, c.jitter); got != c.want {
				t.Errorf("Settle(%v, %d) = %v, want %v", c.err, c.attempt, got, c.want)
			}
		})
	}
}
