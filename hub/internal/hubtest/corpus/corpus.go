// Package corpus reads the collection of bad and good inputs beside the project
// (../shared/corpus) in place. Where it is missing a test is skipped, visibly;
// with AMTSBOTE_INTEROP=must in the environment it fails.
package corpus

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Input is one entry of the index.
type Input struct {
	File, Kind string
	Expect     string // a verdict of its kind
	Code       string // "" for what passes
	Data       []byte
}

// Accepted tells whether the input is to pass.
func (in Input) Accepted() bool {
	switch in.Expect {
	case "accept", "id-accept", "schema-accept", "url-accept":
		return true
	}
	return false
}

// verdicts of the kinds that the gate, the schemas and the directory decide on;
// another one fails the test, since nothing would be compared with it.
var verdicts = map[string][]string{
	"ce":      {"accept", "reject-400", "reject-403", "reject-413", "quarantine"},
	"payload": {"accept", "quarantine"},
	"xml":     {"accept", "quarantine"},
	"schema":  {"schema-accept", "schema-reject"},
	"id":      {"id-accept", "id-reject"},
	"nats":    {"must-not-harm"},
	"console": {"escaped"},
	"webhook": {"url-accept", "url-reject", "scenario"},
	"batch":   {"accept", "partial", "reject-400", "reject-403", "reject-413"},
	"http":    {"accept", "reject-400", "reject-401", "reject-404", "reject-405", "reject-408", "reject-415"},
}

// Kinds are the kinds that Read knows.
func Kinds() []string {
	var kinds []string
	for kind := range verdicts {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// Read gives all inputs of the kinds. It fails for a verdict that it does not
// know, for an input that should pass and has a code, or the reverse, for a file
// that no entry names and for an entry without its file.
func Read(t testing.TB, kinds ...string) []Input {
	t.Helper()
	dir := folder(t)
	all, err := index(dir)
	if err != nil {
		if os.Getenv("AMTSBOTE_INTEROP") == "must" {
			t.Fatalf("the corpus must be there: %v", err)
		}
		t.Skipf("not run: the corpus of bad inputs is missing: %v", err)
	}
	var inputs []Input
	for _, kind := range kinds {
		of := ofKind(t, dir, kind, all)
		if len(of) == 0 {
			t.Fatalf("the corpus has no input of the kind %s", kind)
		}
		inputs = append(inputs, of...)
	}
	return inputs
}

func ofKind(t testing.TB, dir, kind string, all []Input) []Input {
	t.Helper()
	var of []Input
	for _, in := range all {
		if in.Kind != kind {
			continue
		}
		if !slices.Contains(verdicts[kind], in.Expect) {
			t.Fatalf("%s: the verdict %q is unknown", in.File, in.Expect)
		}
		if coded := in.Code != ""; coded == (in.Accepted() || kind == "nats" || kind == "console" || in.Expect == "scenario") {
			t.Fatalf("%s: %s with the code %q", in.File, in.Expect, in.Code)
		}
		data, err := read(dir, in.File)
		if err != nil {
			t.Fatal(err)
		}
		in.Data = data
		of = append(of, in)
	}
	files, err := os.ReadDir(filepath.Join(dir, kind))
	if err != nil || len(files) != len(of) {
		t.Fatalf("%d files of the kind %s, and %d in the index: %v", len(files), kind, len(of), err)
	}
	return of
}

// Each runs a test for each input of the kinds and fails unless all ran.
func Each(t *testing.T, test func(t *testing.T, in Input), kinds ...string) {
	t.Helper()
	inputs, ran := Read(t, kinds...), 0
	for _, in := range inputs {
		t.Run(in.File, func(t *testing.T) {
			ran++
			test(t, in)
		})
	}
	if ran != len(inputs) && !filtered() {
		t.Errorf("%d of %d inputs of the kinds %v were tried", ran, len(inputs), kinds)
	}
	t.Logf("%d inputs of the kinds %v", ran, kinds)
}

// filtered tells whether the command line chose subtests.
func filtered() bool {
	return slices.ContainsFunc(os.Args, func(a string) bool { return a == "-test.run" || len(a) > 10 && a[:10] == "-test.run=" })
}

// maxSeed leaves out what is bad by its size alone: a fuzzer would spend its time
// on shortening it.
const maxSeed = 16 << 10

// Seeds gives the contents of the kinds' inputs for a fuzz target to begin with;
// none where the corpus is missing.
func Seeds(f *testing.F, kinds ...string) [][]byte {
	f.Helper()
	dir := folder(f)
	all, err := index(dir)
	if err != nil {
		if os.Getenv("AMTSBOTE_INTEROP") == "must" {
			f.Fatalf("the corpus must be there: %v", err)
		}
		f.Logf("without seeds of the corpus of bad inputs, which is missing: %v", err)
		return nil
	}
	var seeds [][]byte
	for _, in := range all {
		if slices.Contains(kinds, in.Kind) {
			data, err := read(dir, in.File)
			if err != nil {
				f.Fatal(err)
			}
			if len(data) <= maxSeed {
				seeds = append(seeds, data)
			}
		}
	}
	return seeds
}

// File gives another file of the corpus.
func File(t testing.TB, name string) []byte {
	t.Helper()
	data, err := read(folder(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(dir, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))) //nolint:gosec // the test's own material
}

func index(dir string) ([]Input, error) {
	raw, err := read(dir, "index.json")
	if err != nil {
		return nil, err
	}
	var list struct{ Inputs []Input }
	err = json.Unmarshal(raw, &list)
	return list.Inputs, err
}

func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "..", "shared", "corpus")
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
