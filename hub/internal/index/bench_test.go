package index

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// numbered is the i-th decision of a month in which n come.
func numbered(i, n int) *decision.Decision {
	var raw [32]byte
	binary.BigEndian.PutUint64(raw[:], uint64(i)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(raw[8:], uint64(i)*0xbf58476d1ce4e5b9)
	binary.BigEndian.PutUint64(raw[16:], uint64(i)*0x94d049bb133111eb)
	return &decision.Decision{
		In: "IN_org" + strconv.Itoa(i%20), Seq: uint64(i), Source: "urn:example:quelle", ID: strconv.Itoa(i),
		Digest: fmt.Sprintf("%x", raw), Outcome: hub.Routed, Decided: day0.Add(Horizon / 2 / time.Duration(n) * time.Duration(i)),
	}
}

// BenchmarkMillions fills the index with AMTSBOTE_INDEX_MILLIONS of identities
// (one) and prints what it takes; task bench-index runs it.
func BenchmarkMillions(t *testing.B) {
	millions, _ := strconv.Atoi(os.Getenv("AMTSBOTE_INDEX_MILLIONS"))
	millions = max(millions, 1)
	dir := filepath.Join(t.TempDir(), "index")
	x, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := millions * 1_000_000
	began, cpu := time.Now(), used(t)
	for i := range n {
		x.Decided(uint64(i+1), numbered(i, n))
		if (i+1)%(n/5) == 0 {
			say(t, x, dir, i+1, began, cpu)
		}
	}
	lookups(t, x, n, "while it compacts")
	began = time.Now()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	note("closed in %v", time.Since(began).Round(time.Millisecond))
	began = time.Now()
	if x, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	note("opened in %v, applied %d", time.Since(began).Round(time.Millisecond), x.Applied())
	lookups(t, x, n, "just after a restart")
	for s, err := x.Status(); err == nil && s.Entries < 0; s, err = x.Status() {
		<-time.After(10 * time.Millisecond)
	}
	note("filter made %v after the restart", time.Since(began).Round(time.Millisecond))
	lookups(t, x, n, "after a restart")
	say(t, x, dir, n, began, cpu)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

func say(t testing.TB, x *Index, dir string, n int, began time.Time, cpu time.Duration) {
	t.Helper()
	took := time.Since(began)
	runtime.GC()
	rss, peak := resident(t)
	s, err := x.Status()
	if err != nil {
		t.Fatal(err)
	}
	note("%d: %v, %.2f µs each, %.2f µs CPU each; on disk %d MB, %.1f MB a million; resident %d MB, peak %d MB",
		n, took.Round(time.Millisecond), float64(took.Nanoseconds())/float64(n)/1e3, float64((used(t)-cpu).Nanoseconds())/float64(n)/1e3,
		s.Bytes>>20, float64(s.Bytes)/float64(n), rss, peak)
}

func lookups(t testing.TB, x *Index, n int, when string) {
	t.Helper()
	const tries = 200_000
	for _, c := range []struct {
		what  string
		from  int
		known bool
	}{{"unknown", n, false}, {"unknown", n + tries, false}, {"known", 0, true}} {
		ids := make([]event.Identity, tries)
		for i := range ids {
			at := c.from + i
			if c.known {
				at = int(uint64(i) * 0x9e3779b97f4a7c15 % uint64(n))
			}
			ids[i] = event.IdentityOf("urn:example:quelle", strconv.Itoa(at))
		}
		began := used(t)
		for _, id := range ids {
			if _, ok := x.Lookup(id); ok != c.known {
				t.Fatalf("an identity that is %s: %v", c.what, ok)
			}
		}
		note("look-up %s, %s: %.2f µs CPU", when, c.what, float64((used(t)-began).Nanoseconds())/tries/1e3)
	}
}

// resident is what the process has in memory, now and at its most, in MB.
func resident(t testing.TB) (now, peak int) {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc")
	}
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) > 1 {
			switch n, _ := strconv.Atoi(f[1]); f[0] {
			case "VmRSS:":
				now = n >> 10
			case "VmHWM:":
				peak = n >> 10
			}
		}
	}
	return now, peak
}

// used is the CPU time of the process.
func used(t testing.TB) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// note prints: a benchmark's log is cut off after ten lines.
func note(format string, args ...any) { fmt.Printf(format+"\n", args...) }
