package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// soakStreams are those whose size the report shows.
var soakStreams = []string{"IN_alpha", "OUT", "TRAIL", "QUARANTINE"}

// sizes of the streams at a moment, and of the hub's memory, in bytes.
type sizes struct {
	at     time.Time
	bytes  map[string]uint64
	memory uint64
}

func (h *host) sizes() sizes {
	h.t.Helper()
	nc, js := h.connect()
	defer nc.Close()
	out := sizes{at: time.Now(), bytes: map[string]uint64{}, memory: residentSize(h.cmd.Process.Pid)}
	for _, name := range soakStreams {
		eventually(h.t, "the size of "+name, func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			s, err := js.Stream(ctx, name)
			if err == nil {
				out.bytes[name] = s.CachedInfo().State.Bytes
			}
			return err
		})
	}
	return out
}

// residentSize of a process; 0 where the system does not say.
func residentSize(pid int) uint64 {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseUint(fields[0], 10, 64)
	return n << 10
}

const (
	// flatFrom is how long a run must be for its last third to be compared.
	flatFrom = 10 * time.Minute
	// flatSlack is what a stream may grow by chance: a kill holds back for half a
	// minute what its receivers had in hand.
	flatSlack = 16 << 20
)

// flat compares the largest size of a stream in the last third of a run with that
// in the middle one. What grows all the time is half as large again then.
func flat(all []sizes, stream string) error {
	if len(all) == 0 {
		return nil
	}
	first, last := all[0].at, all[len(all)-1].at
	var most [3]uint64
	for _, one := range all {
		third := min(2, int(3*one.at.Sub(first)/max(last.Sub(first), 1)))
		most[third] = max(most[third], one.bytes[stream])
	}
	if limit := most[1] + most[1]/4 + flatSlack; most[2] > limit {
		return fmt.Errorf("%s grows: at most %d KB in the middle third of the run, and %d KB in the last", stream, most[1]>>10, most[2]>>10)
	}
	return nil
}

// report prints what happened, and appends it to the file AMTSBOTE_SOAK_REPORT.
func (s *soak) report(seed uint64) {
	b := s.books
	b.mu.Lock()
	defer b.mu.Unlock()
	var w strings.Builder
	result := "all checks held"
	if s.t.Failed() {
		result = "FAILED"
	}
	took := time.Since(s.began)
	fmt.Fprintf(&w, "\n## %s, %s: %s\n\n", time.Now().UTC().Format(time.DateOnly), took.Round(time.Second), result)
	fmt.Fprintf(&w, "- commit %s; %s, %s/%s, %d cores; seed %d\n", s.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), seed)
	fmt.Fprintf(&w, "- load: at most %d events a second over %d keys; %d acknowledged, %d of poison, %d stored\n", s.rate, s.load.keys, s.load.count(), s.poisoned, b.decided.Load())
	fmt.Fprintf(&w, "- outcomes: %d routed, %d unrouted, %d quarantined, %d suppressed\n",
		b.outcomes[hub.Routed], b.outcomes[hub.Unrouted], b.outcomes[hub.Quarantined], b.outcomes[hub.Suppressed])
	for _, box := range b.all() {
		what := "got"
		if box == b.boxes["beta.four"] {
			what = "let expire"
		}
		fmt.Fprintf(&w, "- %s %s %d, %d of them again\n", box.name, what, box.copies, box.again)
	}
	gone, back := b.removed()
	fmt.Fprintf(&w, "- %d messages removed, of which %d had to be again; done to the hub: %d kills (SIGKILL), %d restarts, %d reloads of a changed directory\n\n",
		gone, back, s.count["kills"], s.count["restarts"], s.count["reloads"])
	s.table(&w)
	s.t.Log(w.String())
	if path := os.Getenv("AMTSBOTE_SOAK_REPORT"); path != "" {
		keepReport(s.t, path, w.String())
	}
}

// removed sums up what left IN and OUT by removal, and what of it was recorded
// again.
func (b *books) removed() (gone, back uint64) {
	for _, shelf := range b.in {
		gone, back = gone+shelf.gone, back+shelf.back
	}
	for _, box := range b.all() {
		gone, back = gone+box.gone, back+box.back
	}
	return gone, back
}

// table shows the sizes of the streams over time, the largest of each stretch, in
// about fifteen lines, and at last what is left when all has gone that can go.
func (s *soak) table(b *strings.Builder) {
	fmt.Fprintf(b, "| up to | %s | memory |\n|--:%s|--:|\n", strings.Join(soakStreams, " | "), strings.Repeat("|--:", len(soakStreams)))
	every := max(1, (len(s.sizes)+14)/15)
	for from, end := 0, 0; from < len(s.sizes); from = end {
		end = min(from+every, max(len(s.sizes)-1, from+1))
		some := s.sizes[from:end]
		fmt.Fprintf(b, "| %s |", some[len(some)-1].at.Sub(s.began).Round(time.Second))
		for _, name := range soakStreams {
			fmt.Fprintf(b, " %d KB |", most(some, func(one sizes) uint64 { return one.bytes[name] })/1000)
		}
		fmt.Fprintf(b, " %d MB |\n", most(some, func(one sizes) uint64 { return one.memory })/1_000_000)
	}
}

func most(some []sizes, of func(sizes) uint64) (n uint64) {
	for _, one := range some {
		n = max(n, of(one))
	}
	return n
}

// keepReport appends to a file of results.
func keepReport(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
