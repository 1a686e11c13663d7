package app_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/adapters/host"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// farAdapter runs a filedrop as its own process would, until stop.
func farAdapter(t *testing.T, k *asker, application, data string) (stop func()) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "token"), []byte(issue(t, k.app, application)+"\n"), 0o600))
	text := fmt.Sprintf("application: %s\nkind: filedrop\nhub:\n  url: %s\n  token-file: token\nlease: 10s\nsettings:\n  dir: drop\n  poll: 10ms\n", application, k.app.HTTPURL())
	must(t, os.WriteFile(filepath.Join(dir, "adapter.yaml"), []byte(text), 0o600))
	f, err := host.ReadFile(filepath.Join(dir, "adapter.yaml"))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- host.Run(ctx, f, data, zap.NewNop(), adapters.Kinds()...) }()
	return func() { cancel(); must(t, <-done) }
}

// TestAdapterInItsOwnProcess: a folder at the sender's and one at the receiver's, each
// with a process of its own; both are stopped and started again.
func TestAdapterInItsOwnProcess(t *testing.T) {
	k := isolationDoor(t, app.Config{})
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	put := func(id string) {
		e := room{source: sourceOf("alpha", "app")}.event(id)
		must(t, os.MkdirAll(filepath.Join(from, "drop", "in"), 0o700))
		temp := filepath.Join(from, "drop", "in", id+".tmp")
		must(t, os.WriteFile(temp, []byte(e), 0o600))
		must(t, os.Rename(temp, filepath.Join(from, "drop", "in", id+".json")))
	}
	there := func(id string) bool {
		raw, err := os.ReadFile(filepath.Join(to, "drop", "out", hubtest.Ding+"_"+id+".json"))
		return err == nil && strings.Contains(string(raw), secret)
	}
	for round := range 2 {
		stopFrom := farAdapter(t, k, "alpha.app", from)
		stopTo := farAdapter(t, k, "beta.one", to)
		for n := range 3 {
			put(fmt.Sprintf("e-%d-%d", round, n))
		}
		awaitTrue(t, "the files to arrive", func() bool {
			return there(fmt.Sprintf("e-%d-0", round)) && there(fmt.Sprintf("e-%d-1", round)) && there(fmt.Sprintf("e-%d-2", round))
		})
		if round == 0 { // a second process must not have its data
			f, err := host.ReadFile(farFile(t, k))
			must(t, err)
			if err := host.Run(t.Context(), f, to, zap.NewNop(), adapters.Kinds()...); err == nil || !strings.Contains(err.Error(), "in use") {
				t.Errorf("a second process on the same data: %v", err)
			}
		}
		stopFrom()
		stopTo()
	}
	awaitTrue(t, "all to be settled", func() bool {
		state, err := k.b.Mailbox(t.Context(), "beta.one")
		must(t, err)
		end, err := k.b.Last(t.Context(), bus.Out, "out.beta.one.>")
		must(t, err)
		return end != nil && state.Floor >= end.Seq
	})
	set, err := os.ReadDir(filepath.Join(from, "drop", "error"))
	if err == nil && len(set) > 0 {
		t.Errorf("%d files were set aside", len(set))
	}
}

func farFile(t *testing.T, k *asker) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "adapter.yaml")
	must(t, os.WriteFile(path, fmt.Appendf(nil, "application: beta.one\nkind: filedrop\nhub: {url: %q, token-file: none}\nsettings: {dir: drop}\n", k.app.HTTPURL()), 0o600))
	return path
}
