package mailbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// said gives number and code of each attempt.
func said(attempts []decision.Attempt) string {
	var out []string
	for _, a := range attempts {
		out = append(out, strings.TrimSpace(fmt.Sprint(a.N, " ", a.Code)))
	}
	return strings.Join(out, ", ")
}

// TestAttemptsNoted: a copy that is taken at the third attempt has all three in its record,
// by their codes and without the text of the fault; one that is taken or refused at once
// has none, and takes no place.
func TestAttemptsNoted(t *testing.T) {
	t.Parallel()
	b := hubtest.Bus(t)
	log := NewAttempts()
	var before atomic.Value // what was known when the third began
	r := &receiver{script: func(d hub.Delivery) error {
		switch {
		case d.Event.ID() == "e2":
			return hub.Permanent("unmappable", "Erika Mustermann")
		case d.Event.ID() == "e3" || d.Attempt > 3:
			return nil
		case d.Attempt == 1:
			return errors.New("Erika Mustermann")
		case d.Attempt == 2:
			return hub.Retryable("busy", "Erika Mustermann")
		}
		before.Store(log.Of("IN_alpha-1-beta.one"))
		return nil
	}}
	for n := 1; n <= 3; n++ {
		put(t, b, n, fmt.Sprint("k", n), `{"n":1}`)
	}
	_, outcomes, stop := startMailbox(t, b, r, func(m *Mailbox, _ context.CancelFunc) { m.Attempts = log })
	defer stop()
	got := wait(t, outcomes, 3)
	if s := said(got["e1"].Attempts); s != "1 fault, 2 busy, 3" {
		t.Errorf("the record has %q", s)
	}
	known, _ := before.Load().([]decision.Attempt)
	if said(known) != "1 fault, 2 busy" {
		t.Fatalf("while it is tried: %q", said(known))
	}
	for _, a := range known {
		if !a.Next.After(a.At) || a.Next.After(a.At.Add(3*time.Second)) {
			t.Errorf("attempt %d at %s: the next is due at %s", a.N, a.At, a.Next)
		}
	}
	if last := log.Of("IN_alpha-1-beta.one"); said(last) != "1 fault, 2 busy, 3" || !last[2].Next.IsZero() {
		t.Errorf("afterwards: %+v", last)
	}
	if len(got["e2"].Attempts)+len(got["e3"].Attempts) > 0 || len(log.copies) != 1 {
		t.Errorf("%d copies are remembered", len(log.copies))
	}
	if raw, err := json.Marshal(got["e1"]); err != nil || strings.Contains(string(raw), "Mustermann") || strings.Contains(string(raw), "next") {
		t.Errorf("%s %v", raw, err)
	}
}

// TestAttemptsParked: the record of a parked copy has its attempts and their number, and
// nothing more is due; of one that is parked behind it there are none.
func TestAttemptsParked(t *testing.T) {
	t.Parallel()
	b := hubtest.Bus(t)
	log := NewAttempts()
	var down atomic.Bool
	down.Store(true)
	r := failing(&down)
	_, outcomes, stop := startMailbox(t, b, r, func(m *Mailbox, cancel context.CancelFunc) {
		impatient(m, cancel)
		m.Attempts = log
	})
	defer stop()
	fillBehindAFailure(t, b, r, 60, func(n int) bool { return n < 2 })
	parked := collect(t, outcomes, decision.Parked, 2)
	first := parked[slices.IndexFunc(parked, func(d *decision.Delivery) bool { return d.Code != decision.CodeBehind })]
	if n := len(first.Attempts); n < 2 || first.Attempts[n-1].Code != "no-file" || first.Attempt != first.Attempts[n-1].N {
		t.Errorf("parked after %d: %q", first.Attempt, said(first.Attempts))
	}
	if known := log.Of("IN_alpha-0-beta.one"); len(known) < 2 || !known[len(known)-1].Next.IsZero() {
		t.Errorf("what is parked is due: %+v", known)
	}
	for _, d := range parked {
		if d.Code == decision.CodeBehind && len(d.Attempts) > 0 {
			t.Errorf("never tried: %q", said(d.Attempts))
		}
	}
}

// TestAttemptsBounded: of a copy the newest attempts stay, and of copies those that were
// tried last.
func TestAttemptsBounded(t *testing.T) {
	t.Parallel()
	log := NewAttempts()
	for n := range decision.MaxAttempts + 5 {
		log.note("often", decision.Attempt{N: n + 1, Code: "busy"})
	}
	if got := log.Of("often"); len(got) != decision.MaxAttempts || got[0].N != 6 {
		t.Errorf("%d attempts from %q on", len(got), said(got))
	}
	for n := range maxTried + 9 {
		log.note(fmt.Sprint("d", n), decision.Attempt{N: 1, Code: "busy"})
		if n == 0 {
			log.note("often", decision.Attempt{N: 99, Code: "busy"})
		}
	}
	if len(log.copies) != maxTried || log.order.Len() != maxTried {
		t.Errorf("%d and %d copies", len(log.copies), log.order.Len())
	}
	if log.Of("often") != nil || log.Of("d8") != nil || log.Of("d9") == nil || log.Of(fmt.Sprint("d", maxTried+8)) == nil {
		t.Error("not the oldest have gone")
	}
	if (*Attempts)(nil).Of("often") != nil {
		t.Error("no log knows something")
	}
}
