package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub/internal/app"
)

// TestPace: alpha hands in more events a second than its limits allow. All are
// acknowledged; they come no faster than that, in order, and whoever looks is told
// once. gamma is not concerned. A reload with a higher rate lets them come.
func TestPace(t *testing.T) {
	p := newProbe()
	core, logged := observer.New(zap.WarnLevel)
	dir := limitsFederation(t, "64MiB", "64MiB", 0)
	file := filepath.Join(dir, "organisations", "alpha.yaml")
	limit(t, file, "role: authority\n", "role: authority\nlimits: {rate: 2}\n")
	cfg := app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Log: zap.New(core), RemoveEvery: -1}
	a, client := runLimits(t, cfg, p)
	defer func() { stopApp(t, a) }()
	defer client.Close()
	const events, keys = 100, 7
	began := time.Now()
	for n := range events {
		for _, sender := range []string{"alpha", "gamma"} {
			if _, err := client.Publish(t.Context(), dingOf(sender, n, string(rune('a'+n%keys)), 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	awaitTrue(t, "gamma's events", func() bool { return len(p.of("beta.one", "gamma")) == events })
	came, lasted := len(p.of("beta.one", "alpha")), time.Since(began)
	if most := 2 + int(2*lasted.Seconds()) + 1; came > most {
		t.Errorf("%d of alpha's events came in %v", came, lasted)
	}
	awaitTrue(t, "the warning", func() bool { return logged.FilterMessageSnippet("more events than its limits allow").Len() > 0 })
	limit(t, file, "{rate: 2}", "{rate: 100000}")
	if _, err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitTrue(t, "alpha's events", func() bool { return len(p.of("beta.one", "alpha")) == events })
	inOrder(t, "beta.one", p.taken("beta.one"), 2*events, keys)
	if n := logged.FilterMessageSnippet("more events than its limits allow").Len(); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// of gives what came from one sender.
func (p *probe) of(application, sender string) (ids []string) {
	for _, id := range p.taken(application) {
		if strings.HasPrefix(id, sender+"-") {
			ids = append(ids, id)
		}
	}
	return ids
}

func limit(t *testing.T, file, old, now string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q: %v", file, old, err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, now, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
