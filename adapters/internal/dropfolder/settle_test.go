package dropfolder

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub"
)

func TestAPermanentFaultSetsAsideAndOthersFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		r.react = func(file File) error {
			if file.Name == "2.xml" {
				return hub.Permanent("unmappable", "read the header: %w", errors.New("none"))
			}
			return nil
		}
		for _, name := range []string{"1.xml", "2.xml", "3.xml"} {
			f.drop(t, name, name)
		}
		before := time.Now()
		watch(t, f, r.handle, 3*poll)
		if got, want := r.got(), []string{"1.xml", "2.xml", "3.xml"}; !slices.Equal(got, want) {
			t.Errorf("handled %v, want %v", got, want)
		}
		report := reportOf(t, f, "2.xml")
		want := Report{Name: "2.xml", Code: "unmappable", Text: "unmappable: read the header: none", Time: report.Time}
		if diff := cmp.Diff(want, report); diff != "" {
			t.Error(diff)
		}
		if report.Time.Before(before) || report.Time.After(time.Now()) {
			t.Errorf("time of the report: %v", report.Time)
		}
		if got := tree(t, f.path("error"))["2.xml"]; got != "2.xml" {
			t.Errorf("error/2.xml holds %q", got)
		}
	})
}

func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t, func(c *Config) { c.Forget = true }), &recorder{}
		r.react = func(file File) error {
			if file.Name == "2.xml" {
				return hub.Permanent("unmappable", "no")
			}
			return nil
		}
		f.drop(t, "1.xml", "1.xml")
		f.drop(t, "2.xml", "2.xml")
		watch(t, f, r.handle, 3*poll)
		left := tree(t, f.cfg.Dir)
		delete(left, "error/2.xml.fehler.json")
		if diff := cmp.Diff(map[string]string{"error/2.xml": "2.xml"}, left); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRefusals(t *testing.T) {
	long := strings.Repeat("ü", 101) + ".xml"
	cases := map[string]struct {
		drop func(*testing.T, *Folder)
		code string
		file string // below error/
	}{
		"symlink": {func(t *testing.T, f *Folder) {
			t.Helper()
			secret := put(t, f.path("secret"), "s")
			if err := os.Symlink(secret, f.path("in", "a.xml")); err != nil {
				t.Fatal(err)
			}
		}, "symlink", "a.xml"},
		"named pipe": {func(t *testing.T, f *Folder) {
			t.Helper()
			if err := syscall.Mkfifo(f.path("in", "a.xml"), 0o600); err != nil {
				t.Skip("no named pipes here:", err)
			}
		}, "not-a-file", "a.xml"},
		"too large":  {func(t *testing.T, f *Folder) { t.Helper(); f.drop(t, "a.xml", "12345") }, "too-large", "a.xml"},
		"path parts": {func(t *testing.T, f *Folder) { t.Helper(); f.drop(t, `a\b.xml`, "1") }, "bad-name", "a_b.xml"},
		"control":    {func(t *testing.T, f *Folder) { t.Helper(); f.drop(t, "a\nb.xml", "1") }, "bad-name", "a_b.xml"},
		"long name":  {func(t *testing.T, f *Folder) { t.Helper(); f.drop(t, long, "1") }, "bad-name", long[:196] + ".xml"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, r := open(t, func(c *Config) { c.MaxBytes = 4 }), &recorder{}
				c.drop(t, f)
				f.drop(t, "z.xml", "1234")
				watch(t, f, r.handle, 4*poll)
				if got := r.got(); !slices.Equal(got, []string{"z.xml"}) {
					t.Errorf("handled %q, want the good file alone", got)
				}
				if report := reportOf(t, f, c.file); report.Code != c.code {
					t.Errorf("report: %+v, want code %s", report, c.code)
				}
			})
		})
	}
}

func TestARefusalHoldsOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		name := strings.Repeat("a", 240) + ".xml"
		for _, n := range []string{name, `a\b.xml`} {
			file := File{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Name: n, folder: f}
			put(t, file.path(), "1")
		}
		watch(t, f, r.handle, poll)
		if got := r.got(); len(got) != 0 {
			t.Errorf("handled %q", got)
		}
	})
}

func TestCollisionsNeverOverwrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		r.react = func(file File) error {
			if strings.HasPrefix(file.Name, "bad") {
				return hub.Permanent("bad", "no")
			}
			return nil
		}
		for _, content := range []string{"1", "2", "3"} {
			f.drop(t, "good.xml", content)
			f.drop(t, "bad.xml", content)
			watch(t, f, r.handle, 4*poll)
		}
		for dir, want := range map[string]int{"done": 3, "error": 6} {
			if files := tree(t, f.path(dir)); len(files) != want {
				t.Errorf("%s/ holds %v, want %d files", dir, keys(files), want)
			}
		}
		var contents []string
		for name, content := range tree(t, f.path("error")) {
			if strings.HasSuffix(name, reportSuffix) {
				reportOf(t, f, strings.TrimSuffix(name, reportSuffix))
				continue
			}
			contents = append(contents, content)
		}
		slices.Sort(contents)
		if !slices.Equal(contents, []string{"1", "2", "3"}) {
			t.Errorf("contents in error/: %v", contents)
		}
	})
}

func TestSettingAsideSurvivesCrashesAndFailures(t *testing.T) {
	f := open(t)
	file := File{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Name: "a.xml", folder: f}
	put(t, file.path(), "1")
	put(t, f.path("error", "a.xml"+reportSuffix), "of a try that was cut off")
	put(t, f.path("error", file.ID+"-a.xml"+reportSuffix), "of another")
	if err := f.setAside(file, hub.Permanent("bad", "no")); err != nil {
		t.Fatal(err)
	}
	if report := reportOf(t, f, file.ID+"-a.xml"); report.Code != "bad" {
		t.Errorf("report: %+v", report)
	}
}

func TestAFailedMoveKeepsTheFileInWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		r.react = func(file File) error {
			if file.Name == "bad.xml" {
				return hub.Permanent("bad", "no")
			}
			return nil
		}
		for _, dir := range []string{"done", "error"} { // a file in a directory's place makes every move fail
			if err := os.Remove(f.path(dir)); err != nil {
				t.Fatal(err)
			}
			put(t, f.path(dir), "")
		}
		for _, name := range []string{"good.xml", "bad.xml"} {
			f.drop(t, name, name)
			watch(t, f, r.handle, 5*poll)
		}
		var left int
		for name := range tree(t, f.cfg.Dir) {
			if strings.HasSuffix(name, "good.xml") || strings.HasSuffix(name, "bad.xml") {
				left++
			}
		}
		if left != 2 {
			t.Errorf("files: %v, want both", keys(tree(t, f.cfg.Dir)))
		}
	})
}

func TestTheLogNamesNoFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t, func(c *Config) { c.Sidecar = ".ok" }), &recorder{}
		core, logs := observer.New(zap.DebugLevel)
		f.log = zap.New(core)
		tries := 0
		r.react = func(file File) error {
			tries++
			switch tries {
			case 1:
				_, err := os.Open(file.path() + "x")
				return err
			case 2:
				return os.Rename(file.path()+"x", file.path()+"y")
			case 3:
				return nil
			}
			return hub.Permanent("bad", "no")
		}
		for _, name := range []string{"mustermann.xml", "mustermann2.xml"} {
			f.drop(t, name, "1")
			f.drop(t, name+".ok", "")
		}
		watch(t, f, r.handle, time.Minute)
		if logs.Len() < 4 {
			t.Errorf("only %d log lines", logs.Len())
		}
		for _, entry := range logs.All() {
			text, err := json.Marshal(entry.ContextMap())
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(entry.Message+string(text), "mustermann") {
				t.Errorf("log names a file: %s %s", entry.Message, text)
			}
		}
	})
}

func TestAClaimedFileThatGoesIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		r.react = func(file File) error {
			if file.Name == "1.xml" {
				return errors.Join(errors.New("publish failed"), os.Remove(file.path()))
			}
			return nil
		}
		f.drop(t, "1.xml", "1")
		f.drop(t, "2.xml", "2")
		watch(t, f, r.handle, time.Minute)
		if got, want := r.got(), []string{"1.xml", "2.xml"}; !slices.Equal(got, want) {
			t.Errorf("handled %v, want %v", got, want)
		}
	})
}

func TestFileBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(c *Config) { c.MaxBytes = 4 })
		f.drop(t, "a.xml", "1234")
		handle := func(_ context.Context, file File) error {
			b, err := file.Bytes()
			if err != nil || string(b) != "1234" || file.Size != 4 {
				t.Errorf("Bytes: %q, %v; Size %d", b, err, file.Size)
			}
			put(t, file.path(), "12345")
			if _, err := file.Bytes(); hub.FaultOf(err).Code != "too-large" {
				t.Errorf("a file that grew: %v", err)
			}
			if err := errors.Join(os.Remove(file.path()), os.Symlink("/", file.path())); err != nil {
				t.Error(err)
			}
			if _, err := file.Open(); !hub.FaultOf(err).Permanent {
				t.Errorf("a file that became a link: %v", err)
			}
			return nil
		}
		watch(t, f, handle, 3*poll)
	})
}

func reportOf(t *testing.T, f *Folder, name string) Report {
	t.Helper()
	b, err := os.ReadFile(f.path("error", name+reportSuffix))
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	if _, err := os.Lstat(f.path("error", name)); err != nil {
		t.Errorf("report without its file: %v", err)
	}
	return r
}
