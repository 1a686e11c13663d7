package federation_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

type noKinds struct{}

func (noKinds) Has(string) (source, sink, ok bool) { return false, false, false }
func (noKinds) HasSimulator(string) bool           { return false }

// BenchmarkLoad reads and compiles a federation of the size of Germany: 300
// organisations, 11 000 authorities, 30 000 agreements in a file each.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	hubtest.WriteLarge(b, dir, hubtest.Large)
	load(b, dir) // the files are in the page cache, the schemas compiled
	b.ResetTimer()
	var peak uint64
	for b.Loop() {
		runtime.GC()
		stop, peaks := make(chan struct{}), make(chan uint64)
		go watchHeap(stop, peaks)
		fed := load(b, dir)
		close(stop)
		peak = max(peak, <-peaks)
		runtime.KeepAlive(fed)
	}
	b.ReportMetric(float64(peak)/(1<<20), "MB-peak")
}

func load(tb testing.TB, dir string) *federation.Federation {
	tb.Helper()
	fed, found := federation.Load(dir, noKinds{})
	if fed == nil {
		for _, f := range found {
			if f.Severity == finding.Error {
				tb.Fatal(f)
			}
		}
	}
	return fed
}

// watchHeap measures the most that the heap holds, garbage included.
func watchHeap(stop <-chan struct{}, peaks chan<- uint64) {
	var peak uint64
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse+m.StackInuse)
		select {
		case <-stop:
			peaks <- peak
			return
		case <-tick.C:
		}
	}
}
