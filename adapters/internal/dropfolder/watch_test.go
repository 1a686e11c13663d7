package dropfolder

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/hub"
)

func TestWatchTakesAFileUnchangedForTwoPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		path := f.drop(t, "a.xml", "<a")
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- f.Watch(ctx, r.handle) }()

		time.Sleep(poll + poll/2) // sighted, then unchanged once
		synctest.Wait()
		put(t, path, "<a/>")
		time.Sleep(2 * poll) // sighted again, then unchanged once
		synctest.Wait()
		if got := r.got(); len(got) != 0 {
			t.Fatalf("taken while it was still being written: %v", got)
		}
		time.Sleep(poll)
		synctest.Wait()
		if got := r.got(); !slices.Equal(got, []string{"a.xml"}) {
			t.Fatalf("after two unchanged polls: took %v", got)
		}
		cancel()
		if err := <-stopped; err != nil {
			t.Fatal(err)
		}
		day := time.Now().Format("2006/01/02")
		if diff := cmp.Diff(map[string]string{"done/" + day + "/a.xml": "<a/>"}, tree(t, f.cfg.Dir)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWatchSkipsWhatIsNotItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		others := []string{
			"a.xml.tmp", "a.xml.part", "a.xml.filepart", ".a.xml", "~a.xml", "~$b.xml", "a.json", "xml", "a.xml.ok",
		}
		for _, name := range others {
			f.drop(t, name, "x")
		}
		if err := os.Mkdir(f.path("in", "folder.xml"), 0o700); err != nil {
			t.Fatal(err)
		}
		f.drop(t, "GROSS.XML", "x")
		watch(t, f, r.handle, 5*poll)
		if got := r.got(); !slices.Equal(got, []string{"GROSS.XML"}) {
			t.Errorf("took %v", got)
		}
		for _, name := range others {
			if _, err := os.Stat(f.path("in", name)); err != nil {
				t.Errorf("%s was touched: %v", name, err)
			}
		}
	})
}

func TestWatchOrdersByModificationTimeThenName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		old := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		for name, age := range map[string]time.Duration{"d.xml": 3, "c.xml": 1, "b.xml": 2, "a.xml": 1} {
			stamp := old.Add(age * time.Hour)
			if err := os.Chtimes(f.drop(t, name, name), stamp, stamp); err != nil {
				t.Fatal(err)
			}
		}
		watch(t, f, r.handle, 3*poll)
		if got, want := r.got(), []string{"a.xml", "c.xml", "b.xml", "d.xml"}; !slices.Equal(got, want) {
			t.Errorf("took %v, want %v", got, want)
		}
	})
}

func TestWatchWithSidecarTakesOnlyMarkedFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(c *Config) { c.Sidecar = ".fertig" })
		r := &recorder{}
		f.drop(t, "a.xml", "a")
		f.drop(t, "b.xml", "b")
		f.drop(t, "b.xml.fertig", "")
		watch(t, f, r.handle, 5*poll)
		if got := r.got(); !slices.Equal(got, []string{"b.xml"}) {
			t.Errorf("took %v", got)
		}
		files := tree(t, f.cfg.Dir)
		if _, left := files["in/b.xml.fertig"]; left {
			t.Error("the sidecar stays and would vouch for the next b.xml")
		}
		if _, left := files["in/a.xml"]; !left {
			t.Error("the unmarked file is gone")
		}
	})
}

func TestWatchRetriesInOrderWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		f.drop(t, "1.xml", "1")
		f.drop(t, "2.xml", "2")
		r.react = func(File) error {
			if len(r.got()) < 6 {
				return errors.New("hub is away")
			}
			return nil
		}
		watch(t, f, r.handle, time.Hour)
		if got, want := strings.Join(r.got(), " "), "1.xml 1.xml 1.xml 1.xml 1.xml 1.xml 2.xml"; got != want {
			t.Fatalf("handled %s\nwant    %s", got, want)
		}
		for i, factor := range []time.Duration{1, 2, 4, 8, 16} {
			pause := r.times[i+1].Sub(r.times[i])
			if low, high := factor*poll/2, factor*poll*3/2; pause < low || pause > high {
				t.Errorf("pause %d: %v, want between %v and %v", i+1, pause, low, high)
			}
		}
	})
}

func TestPauseIsBoundedAndHonoursAfter(t *testing.T) {
	f := open(t)
	for _, attempt := range []int{0, 5, 29, 30, 1000} {
		if p := f.pause(attempt, 0); p < poll/2 || p > maxBackoff*3/2 {
			t.Errorf("attempt %d: %v", attempt, p)
		}
	}
	if p := f.pause(0, time.Hour); p != time.Hour {
		t.Errorf("Fault.After of an hour: %v", p)
	}
}

func TestWatchTakesUpWorkFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		f.drop(t, "a.xml", "a")
		r.react = func(File) error { return hub.Retryable("away", "publish") }
		watch(t, f, r.handle, 3*poll)
		first := r.got()
		if len(first) == 0 || first[0] != "a.xml" {
			t.Fatalf("handled %v", first)
		}
		claimed := keys(tree(t, f.path("work")))
		if len(claimed) != 1 || !strings.HasSuffix(claimed[0], "-a.xml") {
			t.Fatalf("work/ holds %v", claimed)
		}

		old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(f.drop(t, "b.xml", "b"), old, old); err != nil {
			t.Fatal(err)
		}
		again, r := reopen(t, f.cfg, ".xml"), &recorder{}
		watch(t, again, r.handle, 3*poll)
		if got, want := r.got(), []string{"a.xml", "b.xml"}; !slices.Equal(got, want) {
			t.Errorf("after the restart: %v, want %v", got, want)
		}
		if left := tree(t, f.path("work")); len(left) != 0 {
			t.Errorf("work/ still holds %v", left)
		}
	})
}

func TestTwoFoldersShareADirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, xml, json := open(t), &recorder{}, &recorder{}
		g := reopen(t, f.cfg, ".json")
		f.drop(t, "a.xml", "x")
		f.drop(t, "a.json", "j")
		const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
		put(t, f.path("work", id+"-w.xml"), "x")
		put(t, f.path("work", id+"-w.json"), "j")
		put(t, f.path("work", "stray.xml"), "x")
		watch(t, f, xml.handle, 3*poll)
		watch(t, g, json.handle, 3*poll)
		if got, want := xml.got(), []string{"w.xml", "a.xml"}; !slices.Equal(got, want) {
			t.Errorf(".xml folder took %v, want %v", got, want)
		}
		if got, want := json.got(), []string{"w.json", "a.json"}; !slices.Equal(got, want) {
			t.Errorf(".json folder took %v, want %v", got, want)
		}
		if got := keys(tree(t, f.path("work"))); !slices.Equal(got, []string{"stray.xml"}) {
			t.Errorf("work/ holds %v, want the stray file alone", got)
		}
	})
}

func TestRestartRemovesTheSidecarOfAClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t, func(c *Config) { c.Sidecar = ".ok" }), &recorder{}
		put(t, f.path("work", "01ARZ3NDEKTSV4RRFFQ69G5FAV-a.xml"), "a")
		f.drop(t, "a.xml.ok", "")
		watch(t, f, r.handle, poll)
		if left := tree(t, f.path("in")); len(left) != 0 {
			t.Errorf("in/ holds %v: the next a.xml would be taken unfinished", left)
		}
	})
}

func TestStoppingNeverSetsAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		f.drop(t, "a.xml", "a")
		handle := func(ctx context.Context, _ File) error {
			<-ctx.Done()
			return hub.Permanent("unreadable", "read: %w", ctx.Err())
		}
		watch(t, f, handle, 3*poll)
		if got := keys(tree(t, f.cfg.Dir)); len(got) != 1 || !strings.HasPrefix(got[0], "work/") {
			t.Errorf("files: %v, want the claimed one alone", got)
		}
	})
}

func TestWatchFailsWhenTheFolderCannotBeRead(t *testing.T) {
	for _, dir := range []string{"in", "work"} {
		f := open(t)
		if err := os.RemoveAll(f.path(dir)); err != nil {
			t.Fatal(err)
		}
		if err := f.Watch(t.Context(), (&recorder{}).handle); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("without %s/: %v", dir, err)
		}
	}
}

func TestAHintMakesTheNextLookSooner(t *testing.T) {
	f := open(t, func(c *Config) { c.Poll, c.Sidecar = time.Hour, ".ok" })
	f.noHints = false
	handled := make(chan string)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() {
		stopped <- f.Watch(ctx, func(_ context.Context, file File) error {
			handled <- file.Name
			return nil
		})
	}()
	for _, name := range []string{"a.xml", "b.xml"} { // the first may be seen by the look at the start
		f.drop(t, name, "x")
		f.drop(t, name+".ok", "")
		select {
		case <-handled:
		case <-time.After(time.Minute):
			t.Fatalf("%s: the notice of the operating system did not cause a look", name)
		}
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

func keys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
