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
			if got := Settle(Try{Err: c.err, Attempt: c.attempt, Jitter: c.jitter}); got != c.want {
				t.Errorf("Settle(%v, %d) = %v, want %v", c.err, c.attempt, got, c.want)
			}
		})
	}
}

// TestPark: a key is parked when its fault has outlasted both parts of the
// budget, or keeps others from their turn, and only if others get through.
func TestPark(t *testing.T) {
	plain, never := errors.New("connection reset"), hub.Permanent("unmappable", "no")
	budget := Budget{Attempts: 5, Time: time.Hour, Crowded: 3}
	for _, c := range []struct {
		name string
		try  Try
		want Verdict
	}{
		{"both parts are used up", Try{Err: plain, Attempt: 5, Lasted: time.Hour, Budget: budget}, Park},
		{"attempts are left", Try{Err: plain, Attempt: 4, Lasted: 9 * time.Hour, Budget: budget}, Again},
		{"time is left", Try{Err: plain, Attempt: 99, Lasted: time.Hour - 1, Budget: budget}, Again},
		{"the receiver may be down as a whole", Try{Err: plain, Attempt: 99, Lasted: 9 * time.Hour, Budget: budget, Alone: true}, Again},
		{"without a budget nothing is parked", Try{Err: plain, Attempt: 99, Lasted: 9 * time.Hour, Crowded: true}, Again},
		{"a crowd does not wait", Try{Err: plain, Attempt: 3, Lasted: time.Second, Budget: budget, Crowded: true}, Park},
		{"but gets a second chance", Try{Err: plain, Attempt: 2, Lasted: time.Second, Budget: budget, Crowded: true}, Again},
		{"a crowd before a receiver that is down", Try{Err: plain, Attempt: 9, Lasted: 9 * time.Hour, Budget: budget, Crowded: true, Alone: true}, Again},
		{"a success is a success", Try{Attempt: 99, Lasted: 9 * time.Hour, Budget: budget, Crowded: true}, Release},
		{"a permanent fault does not wait", Try{Err: never, Attempt: 99, Lasted: 9 * time.Hour, Budget: budget}, Quarantine},
		{"what was no attempt never parks", Try{Err: &hub.Fault{Code: "not-now", Later: true}, Attempt: 99, Lasted: 9 * time.Hour, Budget: budget, Crowded: true}, Again},
		{"the other side's Retry-After does not keep a place", Try{Err: &hub.Fault{Code: "busy", After: time.Hour}, Attempt: 5, Lasted: time.Hour, Budget: budget}, Park},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Settle(c.try).Verdict; got != c.want {
				t.Errorf("Settle(%+v) = %v, want %v", c.try, got, c.want)
			}
		})
	}
}
