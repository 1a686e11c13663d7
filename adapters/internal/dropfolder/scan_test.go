package dropfolder

import (
	"slices"
	"testing"
	"testing/synctest"
)

func TestOnlyPollsCount(t *testing.T) {
	f := open(t)
	f.drop(t, "a.xml", "a")
	s := &scanner{folder: f}
	for i, step := range []struct{ counts, ready bool }{
		{true, false}, // sighted
		{false, false},
		{false, false},
		{true, false},
		{false, false},
		{true, true},
		{false, true},
	} {
		ready, err := s.scan(step.counts)
		if err != nil {
			t.Fatal(err)
		}
		if (len(ready) == 1) != step.ready {
			t.Errorf("look %d: %d files ready", i, len(ready))
		}
	}
}

// TestAReadyFileThatChangesIsNotClaimed: files wait for those before them, and
// may be written to meanwhile.
func TestAReadyFileThatChangesIsNotClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := open(t), &recorder{}
		f.drop(t, "1.xml", "1")
		f.drop(t, "2.xml", "2")
		r.react = func(file File) error {
			if file.Name == "1.xml" {
				f.drop(t, "2.xml", "2, and more")
			}
			return nil
		}
		watch(t, f, r.handle, 4*poll)
		if got := r.got(); !slices.Equal(got, []string{"1.xml"}) {
			t.Errorf("took %v, want the unchanged file alone", got)
		}
		again, r := reopen(t, f.cfg, ".xml"), &recorder{}
		watch(t, again, r.handle, 3*poll)
		if got := r.got(); !slices.Equal(got, []string{"2.xml"}) {
			t.Errorf("later took %v", got)
		}
	})
}
