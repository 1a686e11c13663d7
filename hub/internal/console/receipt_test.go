package console

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// TestCopyTo: a receipt in the same mailbox, a copy of a replay and one of somebody else do
// not pass for the copy; what was parked gives way to its end.
func TestCopyTo(t *testing.T) {
	t.Parallel()
	copies := []search.Copy{
		{Mailbox: "a.b", ID: "IN_a-1-quittung", Result: decision.Done},
		{Mailbox: "a.c", ID: "e", Result: decision.Done},
		{Mailbox: "a.b", ID: "e", Result: decision.Done, Replay: "r"},
	}
	if c := copyTo(copies, "e", "a.b"); c != nil {
		t.Errorf("it waits, and is shown as %+v", c)
	}
	copies = append(copies, search.Copy{Mailbox: "a.b", ID: "e", Result: decision.Parked})
	if c := copyTo(copies, "e", "a.b"); c == nil || c.Result != decision.Parked {
		t.Errorf("parked: %+v", c)
	}
	copies = append(copies, search.Copy{Mailbox: "a.b", ID: "e", Result: decision.Refused})
	if c := copyTo(copies, "e", "a.b"); c == nil || c.Result != decision.Refused {
		t.Errorf("refused: %+v", c)
	}
}

// TestHeld: what is said of an event and its schema.
func TestHeld(t *testing.T) {
	t.Parallel()
	for want, ds := range map[string][]decision.Decision{
		german.SchemaHolds:    {{Outcome: hub.Routed}, {Outcome: hub.Unrouted, Code: refusal.NoAgreement}, {Outcome: hub.Unrouted, Code: refusal.AddressUnknown}},
		german.SchemaNotAsked: {{Outcome: hub.Quarantined, Code: refusal.JSONSyntax}, {Outcome: hub.Quarantined, Code: refusal.TypeUnknown}, {Outcome: hub.Quarantined, Code: refusal.Conflict}},
		german.SchemaBroken + " " + refusal.RuleSentence("maxLength", "de"): {{Outcome: hub.Quarantined, Code: refusal.SchemaInvalid, Keyword: "maxLength"}},
		"": {{Outcome: hub.Suppressed}, {Outcome: hub.Parked, Code: refusal.Behind}, {Outcome: hub.Quarantined, Code: refusal.Returned}},
	} {
		for i := range ds {
			if got := german.held(&ds[i], "de"); got != want {
				t.Errorf("%s %s: %q, want %q", ds[i].Outcome, ds[i].Code, got, want)
			}
		}
	}
}

// TestPlainPointer: a place within a Sperre is told from others, in lists as well.
func TestPlainPointer(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{"/data": "", "/data/a/0/b": "/a/b", "/data/anschrift/strasse": "/anschrift/strasse"} {
		if got := plainPointer(at); got != want {
			t.Errorf("%s: %q", at, got)
		}
	}
	fields := fieldsOf(nil)
	f := fields["/sperren"]
	f.Sperre = "auskunftssperre"
	fields["/sperren"] = f
	if !ofSperre(fields, "/sperren/x") || !ofSperre(fields, "/sperren") || ofSperre(fields, "/person") || ofSperre(fields, "") {
		t.Error("which places are within a Sperre")
	}
}

// TestParkedBefore: of a copy that was parked and then taken the page of the event tells both.
func TestParkedBefore(t *testing.T) {
	t.Parallel()
	all, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	v := eventView{Event: &explain.Event{Decision: &decision.Decision{ID: "e", Outcome: hub.Routed}}, Payload: &payload{Why: "-"}}
	v.Receivers = []receiverView{{
		Receiver: decision.Receiver{Application: "a.b"}, Took: time.Hour,
		Parked:   &decision.Delivery{Result: decision.Parked, Attempt: 7, Code: "gone-away", At: at},
		Delivery: &decision.Delivery{Result: decision.Done, Attempt: 9, At: at.Add(time.Hour)},
	}}
	var out bytes.Buffer
	one := &page{format: format{"de", german, at}, T: german, Name: "event", Data: &eventPage{ID: "e", Events: []eventView{v}}}
	if err := all.write(&out, "event", one); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"Versuch 7 (gone-away); ", "Versuch 9, nach 1 h 0 min"} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("it does not say %q:\n%s", says, out.String())
		}
	}
}
