package app_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// TestQuarantineShare: alpha sends what nobody can accept until its share of
// QUARANTINE is full. That holds up alpha alone; gamma's refused events still find
// room, and alpha goes on when a steward has cleared its own, also after a restart.
func TestQuarantineShare(t *testing.T) {
	if raced.On {
		t.Skip("its large events take minutes under the race detector, which sees the same code in TestHeldUpTakeOver and in the package quarantine")
	}
	p := newProbe()
	core, logged := observer.New(zap.WarnLevel)
	layout := damageLayout
	layout.Quarantine = 24 << 20
	cfg := app.Config{
		Directory: limitsFederation(t, "64MiB", "1GiB", 0), Data: filepath.Join(t.TempDir(), "data"), Log: zap.New(core), RemoveEvery: -1, Layout: &layout,
	}
	a, client := runLimits(t, cfg, p)
	defer func() { stopApp(t, a) }()
	defer func() { client.Close() }()
	const bad, size = 80, 250_000
	send := func(sender string, from, n int) {
		t.Helper()
		for i := from; i < from+n; i++ {
			m := dingOf(sender, i, "k", size)
			m.Data = append([]byte(`{"wrong":1,`), m.Data[1:]...)
			if _, err := client.Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	rests := func(org string) int {
		n := uint64(0)
		subjects, err := client.Subjects(t.Context(), bus.Quarantine, "quarantine."+org+".>")
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range subjects {
			n += k
		}
		return int(n)
	}
	send("alpha", 0, bad)
	awaitTrue(t, "alpha to be held up", func() bool {
		return logged.FilterMessageSnippet("share of a stream is full").Len() == 1
	})
	held := rests("alpha")
	if held < 1 || held > 50 {
		t.Errorf("%d events of alpha rest in 24 MiB, which all share", held)
	}
	send("gamma", 0, 5)
	awaitTrue(t, "gamma's events to rest in quarantine", func() bool { return rests("gamma") == 5 })
	if _, err := client.Publish(t.Context(), dingOf("gamma", 100, "k", 10)); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "gamma's good event to come", func() bool { return count(p.taken("beta.one"), "gamma") == 1 })
	if n := rests("alpha"); n != held {
		t.Errorf("%d events of alpha rest now, %d did", n, held)
	}
	client.Close()
	stopApp(t, a)
	a, client = runLimits(t, cfg, p)
	awaitTrue(t, "alpha to be held up again", func() bool {
		return logged.FilterMessageSnippet("share of a stream is full").Len() >= 2
	})
	discarded := map[string]map[uint64]bool{"alpha": {}, "gamma": {}}
	discard := func(org string) bool {
		if err := a.Bus().Often(t.Context(), bus.Quarantine, 1, []string{"quarantine." + org + ".>"}, func(m *event.Message) error {
			discarded[org][m.Seq] = true
			var answer app.QuarantineAnswer
			return app.Ask(t.Context(), a.Data(), nil, app.VerbQuarantine, app.QuarantineRequest{
				Act: decision.ActQuarantineDiscard, Seq: m.Seq, Who: "test", Reason: "Im Test erledigt", Lang: "en",
			}, &answer)
		}); err != nil {
			t.Log(org, err) // it has just started
		}
		return rests(org) == 0
	}
	awaitTrue(t, "gamma's events to be discarded while alpha is held up", func() bool { return discard("gamma") })
	awaitTrue(t, "alpha's events to come in portions as they are discarded", func() bool {
		return discard("alpha") && len(discarded["alpha"]) >= bad
	})
	if n, g := len(discarded["alpha"]), len(discarded["gamma"]); n != bad || g != 5 {
		t.Errorf("%d and %d events rested in quarantine, want %d and 5", n, g, bad)
	}
}
