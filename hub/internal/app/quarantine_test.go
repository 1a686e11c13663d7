package app_test

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
)

// TestQuarantineAsked: what a command asks for is done by the same rules as in the
// console, and when it cannot be done the answer says why, without a value of the event.
func TestQuarantineAsked(t *testing.T) {
	t.Parallel()
	a, w, publish := consoleWorld(t, app.Config{})
	publish("in.alpha.app."+hubtest.Ding, kaputt("eins"))
	w.expect(t, 1, 0)
	b, _ := local(t, a)
	var seq uint64
	awaitTrue(t, "an event in quarantine", func() bool {
		must(t, b.Read(t.Context(), bus.Quarantine, 1, []string{"quarantine.alpha.>"}, func(m *event.Message) error {
			if it, ok := quarantine.Read(m); ok {
				seq = it.Seq
			}
			return nil
		}))
		return seq > 0
	})
	ask := func(act, who string) error {
		var answer app.QuarantineAnswer
		return app.Ask(t.Context(), a.Data(), nil, app.VerbQuarantine, app.QuarantineRequest{Act: act, Seq: seq, Who: who, Reason: "nie vereinbart", Lang: "de"}, &answer)
	}
	err := ask(decision.ActQuarantineResubmit, "eine")
	if err == nil || !strings.Contains(err.Error(), "käme wieder hierher") || !strings.Contains(err.Error(), "/data/n") || strings.Contains(err.Error(), "<b>") {
		t.Error("sent again:", err)
	}
	if err := ask(decision.ActQuarantineEdit, "eine"); err == nil {
		t.Error("edited without a text")
	}
	for range 2 {
		if err := ask(decision.ActQuarantineDiscard, "eine"); err != nil {
			t.Error("discarded:", err)
		}
	}
	if err := ask(decision.ActQuarantineDiscard, "andere"); err == nil || !strings.Contains(err.Error(), "schon erledigt") {
		t.Error("by another person:", err)
	}
}
