package search

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestFailed: a store that gives up in a goroutine of its own turns the index off, lets
// nobody wait, and is built anew at the next start.
func TestFailed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "search")
	x, err := Open(dir, time.Unix(0, 0), 10, Options{})
	if err != nil {
		t.Fatal(err)
	}
	x.flushing.Lock() // the store holds up whoever writes
	waits := make(chan error, 1)
	go func() { waits <- x.Flush() }()
	go x.guard.Fatalf("MANIFEST flush failed: %v", "no space")
	if err := <-waits; err != ErrFailed { //nolint:errorlint // the very one
		t.Error("who waits for it is told:", err)
	}
	if _, err := x.Records("e"); err != ErrFailed { //nolint:errorlint // the very one
		t.Error("a search:", err)
	}
	if err := x.Apply(&event.Message{Seq: 1}); err != ErrFailed { //nolint:errorlint // the very one
		t.Error("a record:", err)
	}
	<-x.guard.dead
	if err := x.Close(); err != nil {
		t.Error("close:", err)
	}
	if _, err := os.Stat(markOf(dir)); err != nil {
		t.Error("the next start is not told:", err)
	}
}
