package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// TestCounts is the short form, part of all tests: nothing is lost and nothing
// is stored twice, on a synced server and on one that is not.
func TestCounts(t *testing.T) {
	if raced.On {
		t.Skip("what is counted are processes without the race detector")
	}
	bin := buildHub(t)
	for _, l := range []load{
		{size: 1000, events: 1200, rate: 300, paced: time.Second}, {synced: true, size: 1000, events: 600, rate: 50, paced: time.Second},
	} {
		for _, s := range systems {
			measure(t, bin, s, l)
		}
	}
}

// TestCountsAfterKills: while events come, the hub is killed again and again beside a server that
// does not sync, so that decisions and copies are on their way at the same time (ADR 25).
func TestCountsAfterKills(t *testing.T) {
	if raced.On {
		t.Skip("what is killed are processes without the race detector")
	}
	const kills, between = 6, 150
	l := load{size: 1000, events: 300, rate: 300, paced: kills * time.Second * between / 300}
	r := &run{t: t, bin: buildHub(t), dir: t.TempDir(), system: hub, load: l, corpus: newCorpus(l.size)}
	r.user = user(t, r.dir)
	r.fill()
	r.serve(false)
	r.launch()
	for i := range r.pacedEvents() {
		<-time.After(time.Second / time.Duration(l.rate))
		r.publish(l.events + i)
		if i%between == between-1 {
			if err := r.proc.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-r.proc.ended
			r.launch()
		}
	}
	<-r.js.PublishAsyncComplete()
	copies, refused := expected(l.events+r.pacedEvents(), false)
	r.outputs(copies + refused)
	r.proc.stop()
	r.verify()
	r.server.stop()
}

// TestBench measures everything and prints a report (`task bench`).
func TestBench(t *testing.T) {
	if os.Getenv("AMTSBOTE_BENCH") == "" {
		t.Skip("measurements take minutes: task bench")
	}
	b := &report{t: t, rounds: setting(t, "ROUNDS", 3), events: setting(t, "EVENTS", 40_000)}
	bin := buildHub(t)
	only := os.Getenv("AMTSBOTE_BENCH_ONLY") // "unsynced, 1 KB", "ingest"; all
	for _, l := range loads(b.events) {
		if !strings.HasPrefix(l.String(), only) {
			continue
		}
		b.add(bin, l)
		if t.Failed() {
			return // of wrong counts no figures are kept
		}
	}
	if only == "" || only == "ingest" {
		b.addIngest(bin)
	}
	if only == "" {
		b.starts = measureStarts(t, bin)
	}
	text := b.text()
	t.Log("\n" + text)
	if path := os.Getenv("AMTSBOTE_BENCH_REPORT"); path != "" {
		appendTo(t, path, text)
	}
}

// TestProfile runs one load with the profiles on (`task profile`).
func TestProfile(t *testing.T) {
	if profiles() == "" {
		t.Skip("profiles are made by task profile")
	}
	s := hub
	if os.Getenv("AMTSBOTE_BENCH_CUT") != "" {
		s = hubCut
	}
	res := measure(t, buildHub(t), s, load{
		synced: os.Getenv("AMTSBOTE_BENCH_SYNC") != "",
		size:   setting(t, "SIZE", 1000), events: setting(t, "EVENTS", 40_000),
	})
	t.Logf("%.0f events/s; CPU seconds for 100 000 events: hub %.1f, server %.1f; others used %.0f %% of the machine",
		res.rate, res.own.Seconds(), res.server.Seconds(), 100*res.others)
}

// loads are what is measured; synced ones have fewer events, since the plain
// system is slow there.
func loads(events int) []load {
	paced := 20 * time.Second // as long as from one removal to the next
	return []load{
		{synced: true, size: 1000, events: events / 2, paced: paced},
		{size: 1000, events: events, paced: paced},
		{synced: true, size: 10_000, events: events / 4},
		{size: 10_000, events: events / 2},
	}
}

// setting reads AMTSBOTE_BENCH_<name>.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv("AMTSBOTE_BENCH_" + name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("AMTSBOTE_BENCH_%s=%q is no number above 0", name, text)
	}
	return n
}

// buildHub builds the hub's binary; AMTSBOTE_BENCH_HUB names another one, for a
// comparison.
func buildHub(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("AMTSBOTE_BENCH_HUB"); bin != "" {
		return bin
	}
	bin := filepath.Join(t.TempDir(), "amtsbote")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/amtsbote").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\n" + text); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
