package mend

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/send"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// TestReplayedIsMadeAgain: a copy that a replay brought is made again from the records,
// with its mark, and is not taken for the first one, whose data is the same.
func TestReplayedIsMadeAgain(t *testing.T) {
	fed := hubtest.Federation(t)
	sender := send.New(fed.Schemas)
	source := hubtest.Event("e1", hubtest.Ding, "k", `{"n":1}`)
	source.Stream, source.Seq = "IN_alpha", 7
	to := decision.Receiver{Application: "beta.one", Agreement: "ding-eins"}
	of := decision.Ref{In: source.Stream, Seq: source.Seq}
	records := map[decision.Ref]*record{of: {decisions: []*decision.Decision{{
		In: of.In, Seq: of.Seq, ID: "e1", Type: hubtest.Ding, Outcome: hub.Routed, Receivers: []decision.Receiver{to},
	}}}}
	for _, rec := range []*decision.Replayed{
		{Run: "lauf", Mailbox: "beta.one", In: of.In, Seq: of.Seq, ID: "e1", Verdict: decision.ReplayGoes, Receiver: &to},
		{Run: "lauf", Mailbox: "beta.two", In: of.In, Seq: of.Seq, ID: "e1", Verdict: decision.ReplayNoAgreement},
		{Run: "lauf", Mailbox: "beta.one", In: "IN_beta", Seq: 1, ID: "e2", Verdict: decision.ReplayGoes, Receiver: &to},
	} {
		m, err := trail.Replayed(rec)
		if err == nil {
			err = replayed(&m, records)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var first, again []event.Message
	for _, m := range candidates(records[of], &source, sender) {
		switch {
		case m.Get(event.HeaderReplay) == "lauf" && m.Get("ce-"+hub.AttrReplay) == "lauf":
			again = append(again, m)
		case m.Subject == "out.beta.one."+hubtest.Ding:
			first = append(first, m)
		}
	}
	if len(first) != 1 || len(again) != 1 || string(first[0].Data) != string(again[0].Data) {
		t.Fatalf("%d first copies, %d of the replay", len(first), len(again))
	}
	if ledger.Sum(&first[0]) == ledger.Sum(&again[0]) {
		t.Error("the ledger cannot tell them apart")
	}
	if send.CarriedOut(&again[0]) || !send.CarriedOut(&first[0]) {
		t.Error("a lane that takes over counts the wrong one")
	}
	if got := candidates(records[of], nil, sender); len(got) != 0 {
		t.Errorf("without the event %d are made", len(got))
	}
}
