package auskunft_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/hub"
)

func desk(t *testing.T, files ...string) (*auskunft.Desk, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := auskunft.OpenDesk(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d, dir
}

func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, sub := range []string{"gefragt", "in"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s/%s is not for the hub's user alone: %v %v", sub, e.Name(), info.Mode(), err)
			}
			all = append(all, sub+"/"+e.Name())
		}
	}
	return all
}

// TestOnceAfterACrash begins at each state that a crash can leave: the question is
// asked again only where no answer was kept, and the answer is handed on once.
func TestOnceAfterACrash(t *testing.T) {
	handedOn := []string{"gefragt/a.gefragt", "in/a.json"}
	for _, c := range []struct {
		name, content string
		left, want    []string
		asks          int
	}{
		{"before or during the question", "asked", nil, handedOn, 1},
		{"answer kept", "kept", []string{"gefragt/a.antwort"}, handedOn, 0},
		{"answer kept and marked", "kept", []string{"gefragt/a.antwort", "gefragt/a.gefragt"}, handedOn, 0},
		{"handed on", "kept", []string{"gefragt/a.gefragt", "in/a.json"}, handedOn, 0},
		{"published and removed", "", []string{"gefragt/a.gefragt"}, []string{"gefragt/a.gefragt"}, 0},
	} {
		d, dir := desk(t, c.left...)
		asks := 0
		for range 2 {
			err := d.Once("a", ".json", func() ([]byte, error) { asks++; return []byte("asked"), nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := files(t, dir); asks != c.asks || !slices.Equal(got, c.want) {
			t.Errorf("%s: asked %d times, files %v", c.name, asks, got)
		}
		if raw, _ := os.ReadFile(filepath.Join(dir, "in", "a.json")); c.content != "" && !slices.Contains([]string{c.content, "kept"}, string(raw)) {
			t.Errorf("%s: %q is handed on", c.name, raw)
		}
	}
}

func TestOnceKeepsNothingOfAFailure(t *testing.T) {
	d, dir := desk(t)
	away := errors.New("away")
	if err := d.Once("a", ".json", func() ([]byte, error) { return nil, away }); !errors.Is(err, away) {
		t.Error(err)
	}
	if got := files(t, dir); len(got) > 0 {
		t.Error(got)
	}
}

func TestForget(t *testing.T) {
	d, dir := desk(t, "gefragt/a.antwort", "gefragt/a.gefragt", "gefragt/b.gefragt", "in/c.json")
	if err := d.Forget(time.Now().Add(-time.Hour)); err != nil || len(files(t, dir)) != 4 {
		t.Error(files(t, dir), err)
	}
	if err := d.Forget(time.Now().Add(time.Hour)); err != nil || !slices.Equal(files(t, dir), []string{"in/c.json"}) {
		t.Error(files(t, dir), err)
	}
}

func TestID(t *testing.T) {
	e := cloudevents.New()
	e.SetSource("urn:x")
	e.SetID("1")
	first := auskunft.ID(hub.Delivery{ID: "IN_lhm-1-a.b", Event: e})
	if again := auskunft.ID(hub.Delivery{ID: "IN_lhm-1-a.b", Event: e, Attempt: 7}); again != first {
		t.Error("another attempt has another id")
	}
	other := auskunft.ID(hub.Delivery{ID: "IN_lhm-2-a.b", Event: e})
	e.SetID("2") // the hub was set up anew and counts from the beginning
	anew := auskunft.ID(hub.Delivery{ID: "IN_lhm-1-a.b", Event: e})
	if first == other || first == anew {
		t.Error("other deliveries have the same id")
	}
}
