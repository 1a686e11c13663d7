package app_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestQuarantineShare: alpha sends what nobody can accept until its share of
// QUARANTINE is full. That holds up alpha alone; gamma's refused events still find
// room, and alpha goes on when a steward has cleared its own.
func TestQuarantineShare(t *testing.T) {
	p := newProbe()
	core, logged := observer.New(zap.WarnLevel)
	layout := damageLayout
	layout.Quarantine = 24 << 20
	cfg := app.Config{
		Directory: limitsFederation(t, "64MiB", "1GiB", 0), Data: filepath.Join(t.TempDir(), "data"), Log: zap.New(core), RemoveEvery: -1, Layout: &layout,
	}
	a, client := runLimits(t, cfg, p)
	defer func() { stopApp(t, a) }()
	defer client.Close()
	const bad, size = 200, 100_000
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
	if held < 1 || held > 125 {
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
	cleared := 0
	awaitTrue(t, "alpha's events to come in portions as they are cleared", func() bool {
		last := uint64(0)
		if err := a.Bus().Often(t.Context(), bus.Quarantine, 1, []string{"quarantine.alpha.>"}, func(m *event.Message) error {
			cleared++
			last = m.Seq
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if last > 0 {
			if err := a.Bus().Purge(t.Context(), bus.Quarantine, "quarantine.alpha.>", last); err != nil {
				t.Fatal(err)
			}
		}
		return cleared >= bad
	})
	if cleared != bad {
		t.Errorf("%d events rested in quarantine, want %d", cleared, bad)
	}
}
