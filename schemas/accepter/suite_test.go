package accepter

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// TestSuite holds Accepters to the JSON-Schema-Test-Suite: nothing is accepted
// that it, or jsonschema v5, calls invalid. What is valid and missed costs time
// only; the share is logged, and has a floor.
func TestSuite(t *testing.T) {
	for folder, draft := range map[string]*jsonschema.Draft{"draft2020-12": jsonschema.Draft2020, "draft7": jsonschema.Draft7} {
		t.Run(folder, func(t *testing.T) {
			var n tally
			for _, file := range suiteFiles(t, folder) {
				n.file(t, file, draft)
			}
			t.Logf("%d of %d valid tests accepted; of %d invalid ones none; %d schemas that v5 does not compile here (remote references)",
				n.accepted, n.valid, n.invalid, n.skipped)
			if n.valid < 500 || n.accepted*100 < n.valid*40 {
				t.Errorf("accepted %d of %d", n.accepted, n.valid)
			}
		})
	}
}

type tally struct{ valid, accepted, invalid, skipped int }

type group struct {
	Schema json.RawMessage
	Tests  []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

func (n *tally) file(t *testing.T, file string, draft *jsonschema.Draft) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var groups []group
	if err := json.Unmarshal(raw, &groups); err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		a := Compile(tree(g.Schema))
		o, err := newOracle(g.Schema, draft)
		if err != nil {
			n.skipped++
			o = nil
		}
		for _, c := range g.Tests {
			accepted := a.Accepts(c.Data)
			switch {
			case accepted && !c.Valid:
				t.Errorf("%s: %s: accepted", filepath.Base(file), c.Description)
			case accepted && o != nil:
				hold(t, g.Schema, a, o, c.Data)
			}
			n.count(c.Valid, accepted)
		}
	}
}

func (n *tally) count(valid, accepted bool) {
	switch {
	case accepted:
		n.valid++
		n.accepted++
	case valid:
		n.valid++
	default:
		n.invalid++
	}
}

// suiteFiles lists the suite's files, or skips the test.
func suiteFiles(t *testing.T, folder string) []string {
	dir := filepath.Join("..", "..", "..", "shared", "data", "json-schema-test-suite", "tests", folder)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("AMTSBOTE_INTEROP") == "must" {
			t.Fatalf("the JSON-Schema-Test-Suite is missing and AMTSBOTE_INTEROP=must: %v", err)
		}
		t.Skipf("not run: the JSON-Schema-Test-Suite is missing: %v", err)
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".json" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	return files
}
