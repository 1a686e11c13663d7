package bus

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestNotStaged: a batch for whose staging there is no room is told from other
// errors, and the same batch passes later. (What a full disk does is tried with a
// real one in TestStagingDiskFull; here a file stands where the folder must be.)
func TestNotStaged(t *testing.T) {
	dir := t.TempDir()
	specs := []StreamSpec{{Name: Out, Subjects: []string{"out.>"}, MaxBytes: 1 << 20, MaxMsg: 1 << 10, Replicas: 1, Atomic: true}}
	s, b := started(t, Embedded{Dir: dir, MaxStore: 1 << 30, AllowTemp: true}, specs)
	defer s.Stop()
	defer b.Close()
	batches := filepath.Join(StreamDir(dir, Out), "batches")
	if err := os.RemoveAll(batches); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(batches, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	msgs := []event.Message{{Subject: "out.a"}, {Subject: "out.b"}}
	if _, err := b.Append(t.Context(), msgs, 0); !errors.Is(err, ErrNotStaged) {
		t.Errorf("got %v, want ErrNotStaged", err)
	}
	if n := b.Unstaged(); n != 1 {
		t.Errorf("%d batches are counted", n)
	}
	if f := s.Faults(); len(f) > 0 {
		t.Errorf("the server finds faults: %v", f)
	}
	if err := os.Remove(batches); err != nil {
		t.Fatal(err)
	}
	if seq, err := b.Append(t.Context(), msgs, 0); err != nil || seq != 1 {
		t.Errorf("with room: %d, %v", seq, err)
	}
}
