package explain_test

import (
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
		{Mailbox: "beta.one", Result: decision.Done, Attempt: 1},
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
		"de": {"geparkt: SCHEMA_GONE – Das Ereignisschema", "zuvor", "freigegeben, weiter als EDGE_alpha 1", "war geparkt, angenommen als IN_alpha 5", "übernommen", "geparkt seit 2026-11-02 08:00:00.000Z: hinter einem früheren"},
		"en": {"parked: SCHEMA_GONE – The event schema", "released, goes on as EDGE_alpha 1", "was parked, accepted as IN_alpha 5", "done", "parked since 2026-11-02 08:00:00.000Z: behind an earlier"},
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
