package desk_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/desk"
	"github.com/amtsbote/amtsbote/hub"
)

func open(t *testing.T, files ...string) (*desk.Desk, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := desk.Open(dir)
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
		d, dir := open(t, c.left...)
		asks := 0
		for range 2 {
			err := d.Once(t.Context(), "a", ".json", func() ([]byte, error) { asks++; return []byte("asked"), nil })
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
	d, dir := open(t)
	away := errors.New("away")
	if err := d.Once(t.Context(), "a", ".json", func() ([]byte, error) { return nil, away }); !errors.Is(err, away) {
		t.Error(err)
	}
	if got := files(t, dir); len(got) > 0 {
		t.Error(got)
	}
}

// The same delivery twice at once is asked once; who waits does not wait for ever.
func TestOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := open(t)
		answer, asks := make(chan struct{}), 0
		ask := func() ([]byte, error) { asks++; <-answer; return []byte("asked"), nil }
		ends := make(chan error, 3)
		go func() { ends <- d.Once(t.Context(), "a", ".json", ask) }()
		synctest.Wait()
		go func() { ends <- d.Once(t.Context(), "a", ".json", ask) }()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { ends <- d.Once(ctx, "a", ".json", ask) }()
		synctest.Wait()
		cancel()
		if err := <-ends; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := d.Once(t.Context(), "b", ".json", func() ([]byte, error) { return nil, nil }); err != nil {
			t.Error("another question has to wait:", err)
		}
		close(answer)
		if err := errors.Join(<-ends, <-ends); err != nil || asks != 1 {
			t.Errorf("asked %d times: %v", asks, err)
		}
	})
}

// What cannot be looked at is not absent: the register is not asked for that.
func TestOnceWithADiskThatFails(t *testing.T) {
	d, dir := open(t)
	if err := os.Remove(filepath.Join(dir, "gefragt")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "gefragt"), nil, 0o600); err != nil { // ENOTDIR for all in it
		t.Fatal(err)
	}
	asks := 0
	err := d.Once(t.Context(), "a", ".json", func() ([]byte, error) { asks++; return nil, nil })
	if err == nil || hub.FaultOf(err).Permanent || asks != 0 {
		t.Errorf("asked %d times: %v", asks, err)
	}
	if _, err := d.Asked("a"); err == nil {
		t.Error("a time that is nowhere kept")
	}
}

// The time of the first attempt is that of all, also after a restart.
func TestAsked(t *testing.T) {
	d, dir := open(t, "gefragt/.tmp-1", "gefragt/.tmp-2")
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "gefragt", ".tmp-1"), old, old); err != nil {
		t.Fatal(err)
	}
	first, err := d.Asked("a")
	if err != nil || time.Since(first) > time.Minute {
		t.Fatal(first, err)
	}
	d, err = desk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.Asked("a"); err != nil || !again.Equal(first) {
		t.Errorf("%v and then %v, %v", first, again, err)
	}
	if got := files(t, dir); !slices.Equal(got, []string{"gefragt/.tmp-2", "gefragt/a.zeit"}) {
		t.Error(got, "a half written file stays, or another's that is being written is gone")
	}
	if err := d.Once(t.Context(), "a", ".json", func() ([]byte, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); slices.Contains(got, "gefragt/a.zeit") {
		t.Error(got)
	}
}

// Marks are forgotten while the source runs, too.
func TestTend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, dir := open(t, "gefragt/a.gefragt", "gefragt/b.antwort")
		for _, f := range []string{"a.gefragt", "b.antwort"} {
			old := time.Now().Add(-60*24*time.Hour + time.Hour) // of the bubble
			if err := os.Chtimes(filepath.Join(dir, "gefragt", f), old, old); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		more := 0
		go desk.Tend(ctx, dir, zap.NewNop(), func(time.Time) error { more++; return nil })
		time.Sleep(23 * time.Hour)
		if got := files(t, dir); len(got) != 2 {
			t.Error(got)
		}
		time.Sleep(2 * time.Hour)
		if got := files(t, dir); len(got) != 0 {
			t.Error(got)
		}
		cancel()
		synctest.Wait()
		if more != 2 { // at the start, and after a day
			t.Errorf("what the adapter has to forget: %d times", more)
		}
	})
}

func TestForget(t *testing.T) {
	d, dir := open(t, "gefragt/a.antwort", "gefragt/a.gefragt", "gefragt/b.gefragt", "in/c.json")
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
	first := desk.ID(hub.Delivery{ID: "IN_lhm-1-a.b", Event: e})
	if again := desk.ID(hub.Delivery{ID: "IN_lhm-1-a.b", Event: e, Attempt: 7}); again != first {
		t.Error("another attempt has another id")
	}
	other := desk.ID(hub.Delivery{ID: "IN_lhm-2-a.b", Event: e})
	e.SetID("2") // the hub was set up anew and counts from the beginning
	anew := desk.ID(hub.Delivery{ID: "IN_lhm-1-a.b", Event: e})
	if first == other || first == anew {
		t.Error("other deliveries have the same id")
	}
}
