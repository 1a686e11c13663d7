package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// starts are how long the embedded hub takes to come up, and what it then holds.
type starts struct {
	small, large startUp
	others       float64
}

// startUp of a hub with one federation: the first time, when all streams are to
// be made, and again; then its memory in MB when nothing happens.
type startUp struct {
	first, again time.Duration
	idle, peak   float64
	others       float64 // share of the machine that others used
}

// settle is how long a hub is left alone before its memory is measured.
const settle = 5 * time.Second

func measureStarts(t *testing.T, bin string) starts {
	t.Helper()
	var s starts
	s.small = measureStart(t, bin, func(dir string) { writeFederation(t, dir, false, false) })
	s.large = measureStart(t, bin, func(dir string) { hubtest.WriteLarge(t, dir, hubtest.Large) })
	s.others = max(s.small.others, s.large.others)
	return s
}

func measureStart(t *testing.T, bin string, write func(dir string)) (s startUp) {
	t.Helper()
	dir := t.TempDir()
	defer func() { _ = os.RemoveAll(dir) }()
	fed := filepath.Join(dir, "fed")
	write(fed)
	for _, took := range []*time.Duration{&s.first, &s.again} {
		began := time.Now()
		p := start(t, filepath.Join(dir, "system.log"), nil, bin,
			"serve", fed, "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--remove-every", "5s")
		others := watchOthers(p.pid())
		p.says("Amtsbote serves")
		*took = time.Since(began)
		s.others = max(s.others, others.share())
		<-time.After(settle)
		s.idle, s.peak = memory(p.pid())
		p.stop()
	}
	return s
}

// TestStarts measures the starts alone.
func TestStarts(t *testing.T) {
	if os.Getenv("AMTSBOTE_BENCH") == "" {
		t.Skip("measurements take minutes: task bench")
	}
	t.Logf("%+v", measureStarts(t, buildHub(t)))
}
