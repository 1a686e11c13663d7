package dropfolder

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/hub"
)

func TestWriteTwiceHasOneEffect(t *testing.T) {
	f := open(t)
	for range 2 {
		if err := f.Write("a.xml", []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	first, err := os.Stat(f.path("out", "a.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write("a.xml", []byte("1")); err != nil {
		t.Fatal(err)
	}
	again, err := os.Stat(f.path("out", "a.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(first, again) {
		t.Error("a repetition replaced the file")
	}
	if diff := cmp.Diff(map[string]string{"a.xml": "1"}, tree(t, f.path("out"))); diff != "" {
		t.Error(diff)
	}
}

func TestWriteNeverReplacesOtherContent(t *testing.T) {
	f := open(t)
	put(t, f.path("out", "a.xml"), "old")
	if err := os.Symlink("a.xml", f.path("out", "link.xml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.path("out", "dir.xml"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"a.xml": "new", "link.xml": "old", "dir.xml": ""} {
		if err := f.Write(name, []byte(content)); !errors.Is(err, ErrNameTaken) || hub.FaultOf(err).Permanent {
			t.Errorf("%s: %v, want ErrNameTaken", name, err)
		}
	}
	if err := f.Write("a.xml", []byte("longer")); !errors.Is(err, ErrNameTaken) {
		t.Errorf("other length: %v", err)
	}
	if got := tree(t, f.path("out"))["a.xml"]; got != "old" {
		t.Errorf("a.xml holds %q", got)
	}
}

func TestWriteRefusesNames(t *testing.T) {
	f := open(t)
	for _, name := range []string{
		"", ".", "../a.xml", "a/b.xml", `a\b.xml`, ".a.xml", "~a.xml", "a.tmp", "a.json", "a\x00.xml",
		strings.Repeat("a", maxName) + ".xml",
	} {
		if err := f.Write(name, nil); !hub.FaultOf(err).Permanent {
			t.Errorf("%q: %v, want a Permanent Fault", name, err)
		}
	}
	if got := tree(t, f.cfg.Dir); len(got) != 0 {
		t.Errorf("wrote %v", got)
	}
}

func TestWriteDoesNotFollowALeftoverLink(t *testing.T) {
	f := open(t)
	victim := put(t, f.path("victim"), "v")
	if err := os.Symlink(victim, f.path("out", ".a.xml.tmp")); err != nil {
		t.Fatal(err)
	}
	if err := f.Write("a.xml", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"victim": "v", "out/a.xml": "1"}, tree(t, f.cfg.Dir)); diff != "" {
		t.Error(diff)
	}
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	f := open(t)
	if err := os.Remove(f.path("out")); err != nil {
		t.Fatal(err)
	}
	if err := f.Write("a.xml", []byte("1")); err == nil || hub.FaultOf(err).Permanent {
		t.Errorf("without out/: %v, want a fault that passes", err)
	}
}

func TestConcurrentWrites(t *testing.T) {
	f := open(t)
	var group sync.WaitGroup
	want := map[string]string{}
	for i := range 64 {
		name := fmt.Sprintf("%d.xml", i%16)
		want[name] = name
		group.Go(func() {
			if err := f.Write(name, []byte(name)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff(want, tree(t, f.path("out"))); diff != "" {
		t.Error(diff)
	}
}
