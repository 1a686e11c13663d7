package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// sample is a line of fluss.mjs, and what the hub took at that moment.
type sample struct {
	Accepted int64   `json:"accepted"`
	Waited   int64   `json:"waited"` // milliseconds until the overview showed more
	Heap     float64 `json:"heap"`   // of the browser's page, bytes
	Nodes    float64 `json:"nodes"`
	Resident int64   `json:"-"` // of the hub, bytes
}

// TestFlow has events flow at a rate while somebody looks at the overview: it goes on
// showing more, and neither the page nor the hub takes more and more memory.
// AMTSBOTE_FLOW=2m is how long, AMTSBOTE_FLOW_RATE=5000 how many a second.
func TestFlow(t *testing.T) {
	if raceBuild {
		t.Skip("the hub and the browser are processes of their own, which the race detector does not see; they run without it")
	}
	long, rate := 15*time.Second, 1000
	if text := os.Getenv("AMTSBOTE_FLOW"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		rate = 5000
	}
	if text := os.Getenv("AMTSBOTE_FLOW_RATE"); text != "" {
		if _, err := fmt.Sscan(text, &rate); err != nil {
			t.Fatal(err)
		}
	}
	browser := chromium(t)
	h := serve(t, "testdata/fluss", "--http", "127.0.0.1:0")
	flow := h.flow(t, rate)
	ctx, stop := context.WithCancel(t.Context())
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- flow.run(ctx) }()

	samples := h.watched(t, browser, long)
	stop()
	took := time.Since(began)
	if err := <-done; err != nil {
		t.Error(err)
	}
	judge(t, samples, flow.sent.Load(), took)
}

// flow hands events in by HTTP, in batches.
type flow struct {
	hub   *hub
	token string
	rate  int
	sent  atomic.Int64
}

// flow is what the sender of testdata/fluss can hand in.
func (h *hub) flow(t *testing.T, rate int) *flow {
	t.Helper()
	token, err := exec.Command(h.binary, "token", "issue", "quelle.app", "--data", h.data).Output()
	if err != nil {
		t.Fatal(err)
	}
	return &flow{hub: h, token: strings.TrimSpace(string(token)), rate: rate}
}

// perBatch is how many events go in one request.
const perBatch = 250

func (f *flow) run(ctx context.Context) error {
	began, due := time.Now(), time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-due.C:
		}
		before := f.sent.Load()
		if err := f.batch(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		next := time.Until(began.Add(time.Duration(f.sent.Load()) * time.Second / time.Duration(f.rate)))
		if f.sent.Load() == before {
			next = max(next, 10*time.Millisecond) // it was refused
		}
		due.Reset(next)
	}
}

func (f *flow) batch(ctx context.Context) error {
	events := make([]string, perBatch)
	for i := range events {
		n := f.sent.Load() + int64(i)
		events[i] = fmt.Sprintf(`{"specversion":"1.0","id":"fluss-%d","source":"urn:fluss:quelle","type":"de.fluss.ding.v1","correlationid":"fall-%d","data":{"n":%d,"text":"ein Ding von vielen"}}`, n, n%1000, n)
	}
	taken, err := f.handIn(ctx, events)
	if taken {
		f.sent.Add(perBatch)
	}
	return err
}

// handIn hands events in; they are not taken when the hub is slower than asked for.
func (f *flow) handIn(ctx context.Context, events []string) (taken bool, err error) {
	body := "[" + strings.Join(events, ",") + "]"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.hub.http+"/events", strings.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Authorization", "Bearer "+f.token)
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		return false, nil
	}
	if resp.StatusCode != http.StatusMultiStatus {
		return false, fmt.Errorf("a batch was answered by %s", resp.Status)
	}
	return true, nil
}

// watched has the browser look at the overview, and gives what it saw.
func (h *hub) watched(t *testing.T, browser string, long time.Duration) (out []sample) {
	t.Helper()
	walk := exec.Command("node", "fluss.mjs")
	walk.Dir = h.node
	walk.Env = append(os.Environ(), "CHROMIUM="+browser, "CONSOLE="+h.console, "LINKS="+h.link, fmt.Sprintf("MILLISECONDS=%d", long.Milliseconds()))
	walk.Stderr = t.Output()
	pipe, err := walk.StdoutPipe()
	if err == nil {
		err = walk.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Error(lines.Text())
			continue
		}
		s.Resident = h.resident(t)
		out = append(out, s)
	}
	if err := walk.Wait(); err != nil {
		t.Error(err)
	}
	return out
}

// resident is how much memory the hub takes now, in bytes; 0 where the system does not say.
func (h *hub) resident(t *testing.T) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.pid))
	if err != nil {
		return 0
	}
	var kilobytes int64
	if _, rest, ok := strings.Cut(string(raw), "VmRSS:"); ok {
		_, _ = fmt.Sscan(rest, &kilobytes)
	}
	return kilobytes << 10
}

// judge compares the second quarter of the time with the last one: the first is for what
// fills up once.
func judge(t *testing.T, all []sample, sent int64, took time.Duration) {
	t.Helper()
	if len(all) < 8 {
		t.Fatalf("the overview showed something new %d times only", len(all))
	}
	second, last := all[len(all)/4:len(all)/2], all[len(all)*3/4:]
	most := func(in []sample, of func(sample) float64) float64 {
		return of(slices.MaxFunc(in, func(a, b sample) int { return int(of(a) - of(b)) }))
	}
	for what, of := range map[string]func(sample) float64{
		"the page's heap":  func(s sample) float64 { return s.Heap },
		"the page's nodes": func(s sample) float64 { return s.Nodes },
		"the hub's memory": func(s sample) float64 { return float64(s.Resident) },
	} {
		before, after := most(second, of), most(last, of)
		t.Logf("%s: %.0f, later %.0f", what, before, after)
		if after > before*1.5+float64(8<<20) || what == "the page's nodes" && after > before*1.5+1000 {
			t.Errorf("%s grows: %.0f, later %.0f", what, before, after)
		}
	}
	t.Logf("%d events in %s, %.0f a second; shown at the end: %d; the overview made wait %d ms at most", sent, took.Round(time.Second), float64(sent)/took.Seconds(),
		all[len(all)-1].Accepted, slices.MaxFunc(all, func(a, b sample) int { return int(a.Waited - b.Waited) }).Waited)
	if shown := all[len(all)-1].Accepted; shown*2 < sent {
		t.Errorf("%d events were taken and %d are shown", sent, shown)
	}
}
