package explain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// TestParked: an event that was to go and was parked, and was released; a copy
// that is parked, and one that was and is done.
func TestParked(t *testing.T) {
	b := hubtest.Bus(t)
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	original := decision.Ref{In: "IN_alpha", Seq: 5}
	decided := func(in string, seq uint64, outcome hub.Outcome, code refusal.Code, released *decision.Ref, to ...string) {
		t.Helper()
		d := &decision.Decision{In: in, Seq: seq, ID: "e", Outcome: outcome, Code: code, Released: released, Federation: "v1", Stored: at, Decided: at}
		for _, r := range to {
			d.Receivers = append(d.Receivers, decision.Receiver{Application: r, Agreement: "a"})
		}
		msgs, err := trail.Decisions([]*decision.Decision{d})
		if err == nil {
			_, err = b.AppendUnguarded(t.Context(), msgs)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	decided("IN_alpha", 5, hub.Routed, "", nil, "beta.one")
	decided("IN_alpha", 5, hub.Parked, refusal.SchemaGone, nil)
	decided("EDGE_alpha", 1, hub.Routed, "", &original, "beta.one", "beta.two")
	for _, d := range []decision.Delivery{
		{Mailbox: "beta.one", Result: decision.Parked, Code: "no-file"},
		{Mailbox: "beta.two", Result: decision.Parked, Code: decision.CodeBehind},
		{Mailbox: "beta.one", Result: decision.Done, Attempt: 2, Attempts: []decision.Attempt{{N: 1, At: at, Code: "no-file"}, {N: 2, At: at}}},
	} {
		d.In, d.Seq, d.ID, d.At = "EDGE_alpha", 1, "e", at
		m, err := trail.Delivery(&d)
		if err == nil {
			_, err = b.AppendUnguarded(t.Context(), []event.Message{m})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	answer, err := explain.Explain(t.Context(), b, "e")
	if err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string][]string{
		"de": {"geparkt: SCHEMA_GONE – Das Ereignisschema", "zuvor", "freigegeben, weiter als EDGE_alpha 1", "war geparkt, angenommen als IN_alpha 5", "übernommen", "Versuch      1  2026-11-02 08:00:00.000Z  no-file", "Versuch      2  2026-11-02 08:00:00.000Z  übernommen", "geparkt seit 2026-11-02 08:00:00.000Z: hinter einem früheren"},
		"en": {"parked: SCHEMA_GONE – The event schema", "released, goes on as EDGE_alpha 1", "was parked, accepted as IN_alpha 5", "done", "attempt      2  2026-11-02 08:00:00.000Z  done", "parked since 2026-11-02 08:00:00.000Z: behind an earlier"},
	} {
		var out strings.Builder
		answer.Print(&out, lang)
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s lacks %q:\n%s", lang, w, out.String())
			}
		}
	}
}

// TestAmongMany: a decision that shares its message with others is found as one that
// stands alone, with what came before and after it, in its order.
func TestAmongMany(t *testing.T) {
	b := hubtest.Bus(t)
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	store := func(encode func([]*decision.Decision) ([]trail.Group, error), from, n int, outcome hub.Outcome) {
		t.Helper()
		ds := make([]*decision.Decision, n)
		for i := range ds {
			ds[i] = &decision.Decision{In: "IN_alpha", Seq: uint64(from + i), ID: fmt.Sprint("e", i), Outcome: outcome, Stored: at, Decided: at}
		}
		groups, err := encode(ds)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			if _, err := b.AppendUnguarded(t.Context(), []event.Message{g.Message}); err != nil {
				t.Fatal(err)
			}
		}
	}
	store(trail.Singles, 1, 3, hub.Unrouted)
	store(trail.Groups, 1001, 600, hub.Routed)
	store(trail.Singles, 2001, 3, hub.Suppressed)
	for _, i := range []int{0, 2, 3, 299, 599} {
		answer, err := explain.Explain(t.Context(), b, fmt.Sprint("e", i))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range answer.Events {
			got = append(got, fmt.Sprint(e.Decision.Seq, " ", e.Decision.Outcome))
		}
		want := []string{fmt.Sprint(1+i, " unrouted"), fmt.Sprint(1001+i, " routed"), fmt.Sprint(2001+i, " suppressed")}
		if i > 2 {
			want = want[1:2]
		}
		if !slices.Equal(got, want) {
			t.Errorf("e%d: %q, want %q", i, got, want)
		}
	}
	answer, err := explain.Explain(t.Context(), b, "other")
	if err != nil || len(answer.Events) > 0 || len(answer.Latest) != 1 || answer.Latest[0].Seq != 2003 {
		t.Errorf("an unknown id: %+v, %v", answer, err)
	}
}

// TestOutcomeBeforeItsDecision: after a crash the trail may have the outcome of a copy before the
// decision that brought it.
func TestOutcomeBeforeItsDecision(t *testing.T) {
	b := hubtest.Bus(t)
	at := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	outcome, err := trail.Delivery(&decision.Delivery{Mailbox: "beta.one", Out: 7, In: "IN_alpha", Seq: 5, ID: "e", Attempt: 1, Result: decision.Done, At: at})
	if err != nil {
		t.Fatal(err)
	}
	decided, err := trail.Decisions([]*decision.Decision{{
		In: "IN_alpha", Seq: 5, ID: "e", Outcome: hub.Routed, Federation: "v1", Stored: at, Decided: at,
		Receivers: []decision.Receiver{{Application: "beta.one", Agreement: "a"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.AppendUnguarded(t.Context(), append([]event.Message{outcome}, decided...)); err != nil {
		t.Fatal(err)
	}
	answer, err := explain.Explain(t.Context(), b, "e")
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Events) != 1 || answer.Events[0].Delivery("beta.one") == nil {
		t.Errorf("of its copy is known: %+v", answer.Events)
	}
}
