package federation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// TestCorpusNames holds the names of organisations to the corpus: a name becomes
// a token of subjects, a stream and a durable consumer.
func TestCorpusNames(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "shared", "corpus")
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		if os.Getenv("AMTSBOTE_INTEROP") == "must" {
			t.Fatalf("the corpus must be there: %v", err)
		}
		t.Skipf("not run: the corpus of bad inputs is missing: %v", err)
	}
	var index struct {
		Inputs []struct{ File, Kind, Expect string }
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, in := range index.Inputs {
		if in.Kind != "id" {
			continue
		}
		n++
		raw, err := os.ReadFile(filepath.Join(dir, in.File))
		if err != nil {
			t.Fatal(err)
		}
		var name struct{ Value string }
		if err := json.Unmarshal(raw, &name); err != nil {
			t.Fatal(err)
		}
		if ok := nameIsTaken(t, name.Value); ok != (in.Expect == "id-accept") {
			t.Errorf("%s: the name %q passes = %v, want %s", in.File, name.Value, ok, in.Expect)
		}
	}
	if n < 15 {
		t.Errorf("only %d names were tried", n)
	}
	for _, name := range []string{"-a", "a-", "a--b", "cursor", strings.Repeat("a", 33)} {
		if nameIsTaken(t, name) {
			t.Errorf("the name %q passes", name)
		}
	}
}

// nameIsTaken tells whether a directory may call its organisation so.
func nameIsTaken(t *testing.T, name string) bool {
	t.Helper()
	quoted, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	b := newBuilder(kinds{}, goldenNow)
	b.fed.files = &snapshot{files: map[string][]byte{}}
	raw := `{"id": ` + string(quoted) + `, "name": "X", "role": "authority", "authorities": [{"key": "ags:1", "name": "X"}]}`
	if in := readPlain[organisationFile](b.List, "organisations/x.yaml", []byte(raw)); in != nil {
		b.organisation("organisations/x.yaml", in)
	}
	return !slices.ContainsFunc(b.Found, func(f finding.Finding) bool { return f.Severity == finding.Error })
}
