package flow

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// history is what the trail and the streams say of all events that alpha sent.
type history struct {
	last     map[decision.Ref]*decision.Decision // of each message, the last record
	released map[decision.Ref][]*decision.Decision
	out      map[string][]int        // receiver and key -> n of the copies, in order
	copies   map[string]int          // by delivery id
	resting  map[decision.Ref]int    // in quarantine
	parked   map[decision.Ref]int    // in PARKED
	body     map[decision.Ref]string // of what rests or is parked
	told     []string                // the trail, a line each
}

func survey(t *testing.T, b *bus.Bus) *history {
	t.Helper()
	h := &history{
		last: map[decision.Ref]*decision.Decision{}, released: map[decision.Ref][]*decision.Decision{}, out: map[string][]int{},
		copies: map[string]int{}, resting: map[decision.Ref]int{}, parked: map[decision.Ref]int{}, body: map[decision.Ref]string{},
	}
	read := func(stream, filter string, fn func(*event.Message) error) {
		t.Helper()
		if err := b.Read(t.Context(), stream, 1, []string{filter}, fn); err != nil {
			t.Fatal(err)
		}
	}
	read(bus.Trail, "trail.decision.>", func(m *event.Message) error {
		ds, err := trail.ReadDecisions(m)
		for _, d := range ds {
			h.last[decision.Ref{In: d.In, Seq: d.Seq}] = d
			h.told = append(h.told, fmt.Sprintf("%d: %s %d %s %s %s key %s released %v of %v", m.Seq, d.In, d.Seq, d.ID, d.Outcome, d.Code, d.Key, d.Released, d.Of))
		}
		return err
	})
	for _, d := range h.last {
		if d.Released != nil && d.Outcome != hub.Suppressed && !d.Stays() {
			h.released[*d.Released] = append(h.released[*d.Released], d)
		}
	}
	read(bus.Out, "out.beta.>", func(m *event.Message) error {
		h.copies[m.Get(event.HeaderDelivery)]++
		box := strings.Join(strings.Split(m.Subject, ".")[1:3], ".") + " " + m.KeyOf()
		var n int
		_, err := fmt.Sscanf(string(m.Data), `{"n":%d`, &n)
		h.out[box] = append(h.out[box], n)
		return err
	})
	place := func(count map[decision.Ref]int) func(m *event.Message) error {
		return func(m *event.Message) error {
			ref := decision.Ref{In: m.Get(event.HeaderIn)}
			_, err := fmt.Sscan(m.Get(event.HeaderSeq), &ref.Seq)
			count[ref]++
			h.body[ref] = string(m.Data)
			return err
		}
	}
	read(bus.Quarantine, "quarantine.alpha.>", place(h.resting))
	// not by Read: what is removed meanwhile would be waited for
	page, err := b.Page(t.Context(), bus.Parked, "parked.alpha.*.in.*", 0, 10_000)
	for _, m := range page {
		err = errors.Join(err, place(h.parked)(m))
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// exact checks that each of the messages 1..last of IN_alpha has exactly one
// end, and that the copies of a key are in order.
func (h *history) exact(t *testing.T, last uint64) {
	t.Helper()
	for seq := uint64(1); seq <= last; seq++ {
		ref := decision.Ref{In: inAlpha, Seq: seq}
		d := h.last[ref]
		if d == nil {
			t.Errorf("%d has no decision", seq)
			continue
		}
		if d.Outcome == hub.Parked {
			ends := len(h.released[ref]) + h.parked[ref]
			if ends != 1 {
				t.Errorf("%d is parked, lies %d times in PARKED and was released to %d ends", seq, h.parked[ref], len(h.released[ref]))
			}
			if len(h.released[ref]) == 1 {
				h.carriedOut(t, h.released[ref][0])
			}
			continue
		}
		if h.parked[ref] > 0 || len(h.released[ref]) > 0 {
			t.Errorf("%d is %s, but lies in PARKED or was released", seq, d.Outcome)
		}
		h.carriedOut(t, d)
	}
	for box, ns := range h.out {
		if !slices.IsSorted(ns) {
			t.Errorf("%s: out of order: %v", box, ns)
		}
	}
	if t.Failed() {
		t.Logf("the trail:\n%s", strings.Join(h.told, "\n"))
	}
}

func (h *history) carriedOut(t *testing.T, d *decision.Decision) {
	t.Helper()
	for _, r := range d.Receivers {
		if n := h.copies[send.DeliveryID(d, r.Application)]; n != 1 {
			t.Errorf("%s %d: %d copies for %s, want 1", d.In, d.Seq, n, r.Application)
		}
	}
	want := 0
	if d.Outcome == hub.Quarantined || d.Outcome == hub.Unrouted {
		want = 1
	}
	if n := h.resting[decision.Ref{In: d.In, Seq: d.Seq}]; n != want {
		t.Errorf("%s %d (%s %s) lies %d times in quarantine, want %d", d.In, d.Seq, d.Outcome, d.Code, n, want)
	}
}

func (h *history) outcome(seq uint64) string {
	d := h.last[decision.Ref{In: inAlpha, Seq: seq}]
	if d == nil {
		return ""
	}
	return strings.TrimSpace(string(d.Outcome) + " " + string(d.Code))
}
