package flow

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// left is the directory of the index that was opened last for a bus.
var left = struct {
	sync.Mutex
	dir map[*bus.Bus]string
}{dir: map[*bus.Bus]string{}}

// freshIndex opens the index as a process would that starts after the one before
// was killed: the files as they lie there, whatever had not reached them.
func freshIndex(t *testing.T, b *bus.Bus) *index.Index {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "index")
	left.Lock()
	before := left.dir[b]
	left.dir[b] = dir
	left.Unlock()
	if before != "" {
		copyLive(t, before, dir)
	}
	x, err := index.Open(dir, index.Options{Batch: 3, MemTable: 64 << 10, Cache: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Errorf("close the index: %v", err)
		}
	})
	return x
}

// copyLive copies a directory that is in use. A file that goes meanwhile, as a
// crash would not let it, is tried again with all others.
func copyLive(t *testing.T, from, to string) {
	t.Helper()
	for range 100 {
		err := os.RemoveAll(to)
		if err == nil {
			if err = os.CopyFS(to, os.DirFS(from)); err == nil {
				return
			}
		}
	}
	t.Fatalf("the index at %s cannot be copied", from)
}
