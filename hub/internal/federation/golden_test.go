package federation

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

var update = flag.Bool("update", false, "write the findings into testdata/findings")

// goldenNow is the day on which the cases are judged.
var goldenNow = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// kinds are the kinds of adapter that the tests know.
type kinds struct{}

func (kinds) Has(name string) (source, sink, ok bool) {
	switch name {
	case "akdb", "filedrop":
		return true, true, true
	case "outbox":
		return true, false, true
	case "webhook":
		return false, true, true
	}
	return false, false, false
}

func (kinds) HasSimulator(name string) bool { return name == "okewo" }

// TestFindings loads the base directory changed by each case, and compares all
// findings. A case is named by the code that it is about. Its section "do"
// changes files (remove, link, fill, copy, and sub with # for a new line), the
// others add some.
func TestFindings(t *testing.T) {
	cases, err := filepath.Glob("testdata/findings/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	seen := map[finding.Code]bool{
		finding.AdpSettings: true,                           // adapters find those: package strictyaml
		finding.AdpSample:   true, finding.AdpUnheard: true, // cmd/amtsbote tries adapters' examples
		finding.DirChanging: true,                          // TestDirectoryThatChanges
		finding.AgrTooMany:  true,                          // TestTooManyWays
		finding.ExmEvent:    true, finding.ExmExpect: true, // package who tries examples
	}
	for _, file := range cases {
		code := finding.Code(strings.TrimSuffix(filepath.Base(file), ".txtar"))
		seen[code] = true
		t.Run(string(code), func(t *testing.T) { golden(t, file, code) })
	}
	for _, code := range finding.Codes() {
		if !seen[code] {
			t.Errorf("no case for %s", code)
		}
	}
}

// busyFS is a directory in which a file changes between any two looks.
type busyFS struct {
	fstest.MapFS
	looks int
	quiet int // looks after which it rests
}

// ReadDir makes the file a little longer each time.
func (b *busyFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "." && b.looks < b.quiet {
		b.looks++
		b.MapFS["federation.yaml"].Data = append(b.MapFS["federation.yaml"].Data, '#')
	}
	return b.MapFS.ReadDir(name)
}

// Half a change must not be compiled: a directory that changes while it is read
// is read again, and refused if it does not rest.
func TestDirectoryThatChanges(t *testing.T) {
	for quiet, refused := range map[int]bool{0: false, 3: false, 100: true} {
		found := &finding.List{}
		s := takeStill(&busyFS{fstest.MapFS{"federation.yaml": {Data: []byte("name: x\n")}}, 0, quiet}, nil, found)
		is := slices.ContainsFunc(found.Found, func(f finding.Finding) bool { return f.Code == finding.DirChanging })
		if is != refused {
			t.Errorf("after %d changes refused = %v (%v)", quiet, is, found.Found)
		}
		if want := "name: x\n" + strings.Repeat("#", quiet); !refused && string(s.files["federation.yaml"]) != want {
			t.Errorf("after %d changes read %q", quiet, s.files["federation.yaml"])
		}
	}
}

func golden(t *testing.T, file string, code finding.Code) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := copyBase(t)
	want := overlay(t, dir, a)
	fed, found := load(dir, kinds{}, goldenNow)
	var got bytes.Buffer
	failed, about := false, false
	approvals := code == finding.AgrStale || code == finding.AgrUnapproved
	for _, f := range found {
		if !approvals && (f.Code == finding.AgrStale || f.Code == finding.AgrUnapproved) {
			continue // each change of the agreement loses its approval
		}
		got.WriteString(f.Error() + "\n")
		failed = failed || f.Severity == finding.Error
		about = about || f.Code == code
	}
	if (fed == nil) != failed {
		t.Errorf("federation %v with findings:\n%s", fed, got.String())
	}
	if !about {
		t.Errorf("no finding %s in:\n%s", code, got.String())
	}
	if *update {
		want.Data = got.Bytes()
		if err := os.WriteFile(file, txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(want.Data), got.String()); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

// overlay applies a case to dir and gives its expected findings.
func overlay(t *testing.T, dir string, a *txtar.Archive) *txtar.File {
	t.Helper()
	var want *txtar.File
	for i := range a.Files {
		switch f := &a.Files[i]; f.Name {
		case "findings":
			want = f
		case "do":
		default:
			write(t, filepath.Join(dir, f.Name), f.Data)
		}
	}
	for _, f := range a.Files {
		if f.Name == "do" {
			for line := range strings.Lines(string(f.Data)) {
				do(t, dir, strings.TrimSuffix(line, "\n"))
			}
		}
	}
	if want == nil {
		t.Fatal("no section findings")
	}
	return want
}

func do(t *testing.T, dir, line string) {
	t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	words := strings.Fields(rest)
	at := func(i int) string { return filepath.Join(dir, words[i]) }
	var err error
	switch verb {
	case "remove":
		err = os.Remove(at(0))
	case "link":
		err = os.Symlink(words[1], at(0))
	case "fill":
		n, _ := strconv.Atoi(words[1])
		write(t, at(0), bytes.Repeat([]byte{'#'}, n))
	case "copy":
		write(t, at(1), read(t, at(0)))
	case "sub":
		p := strings.Split(rest, " | ")
		old := string(read(t, filepath.Join(dir, p[0])))
		if !strings.Contains(old, p[1]) {
			t.Fatalf("%s: %q is not there", line, p[1])
		}
		write(t, filepath.Join(dir, p[0]), []byte(strings.Replace(old, p[1], strings.ReplaceAll(p[2], "#", "\n"), 1)))
	default:
		t.Fatalf("no verb %s", verb)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func write(t *testing.T, file string, raw []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBaseIsClean(t *testing.T) {
	if fed, found := Load("testdata/base", kinds{}); fed == nil || len(found) > 0 {
		t.Fatal(found)
	}
}

// TestCatalogue holds every sentence to both languages with the same arguments.
func TestCatalogue(t *testing.T) {
	for _, code := range finding.Codes() {
		de, en, severity := code.Names()
		if de == "" || en == "" || severity == "" {
			t.Errorf("%s is incomplete", code)
		}
		if strings.Count(de, "%") != strings.Count(en, "%") {
			t.Errorf("%s: %q and %q take different arguments", code, de, en)
		}
	}
}

// FuzzFile reads any bytes as any file of the directory.
func FuzzFile(f *testing.F) {
	for _, name := range []string{"federation.yaml", "organisations/akdb.yaml", "agreements/kfz-umzug.yaml", "adapters/okewo.yaml"} {
		raw, err := os.ReadFile(filepath.Join("testdata/base", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("a: &x [*x]\n<<: 1\n? [1]\n: !!int 2\n--- \n{{[["))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		b := newBuilder(kinds{}, time.Now())
		b.fed.files = &snapshot{files: map[string][]byte{}}
		b.schemas(b.fed.files)
		b.recht(b.fed.files)
		if in := readPlain[organisationFile](b.List, "o.yaml", raw); in != nil {
			b.organisation("o.yaml", in)
		}
		b.overlaps()
		b.receipts()
		if in := readPlain[groupFile](b.List, "g.yaml", raw); in != nil {
			b.group("g.yaml", in)
		}
		for _, name := range []string{"a.yaml", "a.example.yaml"} {
			if in := readAgreement(b.List, name, raw); in != nil {
				b.agreementOrExample(name, in)
			}
		}
		b.law("R-1.yaml", raw)
		if in := readPlain[adapterFile](b.List, "b.yaml", raw); in != nil {
			b.adapter("b.yaml", in)
		}
		if in := readPlain[federationFile](b.List, "f.yaml", raw); in != nil {
			b.federation(in)
		}
		b.sinks()
		b.fed.sortClauses()
	})
}
