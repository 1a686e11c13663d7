package demo_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/amtsbote/amtsbote/hub/internal/demo"
)

const plan = `about: Two files, one after the other.
cases:
  - {title: One, steps: [{type: de.a.b.v1}]}
hand-in:
  - {files: eins.json, to: in}
  - {files: zwei.json, to: in, after: de.a.b.v1}
`

// TestHandInAfter: what has to wait is handed in when the waiting is over, and not at
// all when that failed.
func TestHandInAfter(t *testing.T) {
	t.Parallel()
	story := t.TempDir()
	for _, name := range []string{"eins.json", "zwei.json"} {
		if err := os.WriteFile(filepath.Join(story, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := demo.ReadPlan(fstest.MapFS{demo.PlanFile: {Data: []byte(plan)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range []error{nil, errors.New("the hub stopped")} {
		data := t.TempDir()
		if err := os.Mkdir(filepath.Join(data, "in"), 0o700); err != nil {
			t.Fatal(err)
		}
		var before []string
		err := p.Do(story, data, func(after string) error {
			if after != "de.a.b.v1" {
				t.Errorf("waits for %q", after)
			}
			before = names(t, data)
			return failure
		})
		if !errors.Is(err, failure) {
			t.Fatal(err)
		}
		want := []string{"eins.json"}
		if !slices.Equal(before, want) {
			t.Errorf("before: %v", before)
		}
		if failure == nil {
			want = append(want, "zwei.json")
		}
		if got := names(t, data); !slices.Equal(got, want) {
			t.Errorf("after (%v): %v", failure, got)
		}
	}
}

func names(t *testing.T, data string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(data, "in"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestPlanWaitsForNothing: a type that no step has would let the file go at once.
func TestPlanWaitsForNothing(t *testing.T) {
	t.Parallel()
	const typo = "about: X\ncases: [{title: One, steps: [{type: de.a.b.v1}]}]\nhand-in: [{files: a, to: b, after: de.a.c.v1}]\n"
	if _, err := demo.ReadPlan(fstest.MapFS{demo.PlanFile: {Data: []byte(typo)}}); err == nil {
		t.Error("was taken")
	}
}
