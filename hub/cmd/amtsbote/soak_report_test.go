package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// soakStreams are those whose size the report shows.
var soakStreams = []string{"IN_alpha", "TRAIL", "OUT", "QUARANTINE"}

// sizes of the streams at a moment, in bytes.
type sizes struct {
	at    time.Time
	bytes map[string]uint64
}

func (h *host) sizes() sizes {
	h.t.Helper()
	nc, js := h.connect()
	defer nc.Close()
	out := sizes{at: time.Now(), bytes: map[string]uint64{}}
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

// report prints what happened, and appends it to the file AMTSBOTE_SOAK_REPORT.
func (s *soak) report(seed uint64, took time.Duration) {
	outcomes := map[hub.Outcome]int{}
	for _, d := range s.stored.decisions {
		outcomes[d.Outcome]++
	}
	var b strings.Builder
	result := "all checks held"
	if s.t.Failed() {
		result = "FAILED"
	}
	fmt.Fprintf(&b, "\n## %s, %s: %s\n\n", time.Now().UTC().Format(time.DateOnly), took.Round(time.Second), result)
	fmt.Fprintf(&b, "- commit %s; %s, %s/%s, %d cores; seed %d\n", s.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), seed)
	fmt.Fprintf(&b, "- load: at most %d events a second over %d keys; %d acknowledged, %d of poison, %d stored\n", soakRate, soakKeys, s.pub.count(), s.poisoned, len(s.stored.in))
	fmt.Fprintf(&b, "- outcomes: %d routed, %d unrouted, %d quarantined, %d suppressed; %d copies\n",
		outcomes[hub.Routed], outcomes[hub.Unrouted], outcomes[hub.Quarantined], outcomes[hub.Suppressed], len(s.stored.copies))
	for _, r := range s.receivers {
		r.mu.Lock()
		handed := 0
		for _, n := range r.got {
			handed += n
		}
		fmt.Fprintf(&b, "- %s got %d copies, %d handed out again\n", r.mailbox, len(r.got), handed-len(r.got))
		r.mu.Unlock()
	}
	fmt.Fprintf(&b, "- done to the hub: %d kills (SIGKILL), %d restarts, %d reloads of a changed directory\n\n", s.count["kills"], s.count["restarts"], s.count["reloads"])
	s.table(&b)
	s.t.Log(b.String())
	if path := os.Getenv("AMTSBOTE_SOAK_REPORT"); path != "" {
		s.keep(path, b.String())
	}
}

// table shows the sizes of the streams over time, in about ten lines.
func (s *soak) table(b *strings.Builder) {
	fmt.Fprintf(b, "| after | %s |\n|--:%s|\n", strings.Join(soakStreams, " | "), strings.Repeat("|--:", len(soakStreams)))
	every := max(1, len(s.sizes)/10)
	for i, at := range s.sizes {
		if i%every != 0 && i != len(s.sizes)-1 {
			continue
		}
		fmt.Fprintf(b, "| %s |", at.at.Sub(s.sizes[0].at).Round(time.Second))
		for _, name := range soakStreams {
			fmt.Fprintf(b, " %d KB |", at.bytes[name]/1000)
		}
		b.WriteString("\n")
	}
}

func (s *soak) keep(path, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		s.t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		s.t.Error(err)
	}
	if err := f.Close(); err != nil {
		s.t.Error(err)
	}
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
