package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

const (
	memorySenders = 16 // with two lanes each
	memoryEvents  = 24 // of each sender, of 900 KB
	memoryLimit   = 256 << 20
	// memoryBeside is what a hub may take beside its limit: the NATS server keeps a
	// block of 8 MiB of each stream that was read in the last seconds, and the limit
	// is the garbage collector's, without the program itself.
	memoryBeside = (memorySenders+4)*8<<20 + 32<<20
)

// TestMemory queues large events of many organisations while the hub is down, far
// more than it may hold: it delivers them all and gets by with its memory.
func TestMemory(t *testing.T) {
	if raced.On {
		t.Skip("the race detector's memory is not the hub's")
	}
	t.Parallel()
	h := newHost(t, buildHub(t), "")
	h.env = append(h.env, "AMTSBOTE_MEMORY=256MiB")
	memoryFederation(t, h.fed)
	h.start()
	if !h.comesUp() {
		t.Fatal("the hub did not come up")
	}
	h.stop()
	queue(t, h.data)
	h.start()
	out := filepath.Join(h.data, "drop", "one", "out")
	var files []string
	eventually(t, "the first events to be delivered", func() error {
		if files, _ = filepath.Glob(filepath.Join(out, "*.json")); len(files) == 0 {
			return errors.New("none yet")
		}
		return nil
	})
	for before := 0; len(files) < memorySenders*memoryEvents; before = len(files) {
		eventually(t, "the next event to be delivered", func() error {
			if files, _ = filepath.Glob(filepath.Join(out, "*.json")); len(files) <= before {
				return fmt.Errorf("there are %d", before)
			}
			return nil
		})
	}
	peak := peakMemory(t, h.cmd.Process.Pid)
	t.Logf("%d events of 900 KB (%d MB): the hub's peak was %d MB", len(files), len(files)*900/1000, peak>>20)
	if peak > memoryLimit+memoryBeside {
		t.Errorf("the hub took %d MB at most, want no more than %d and %d beside", peak>>20, memoryLimit>>20, memoryBeside>>20)
	}
}

// memoryFederation makes senders s0 … of the test federation's alpha, all to
// beta.one, which the hub hands out to a drop folder; beta.two takes nothing.
func memoryFederation(t *testing.T, dir string) {
	t.Helper()
	rewrite := func(from, to string, pairs ...string) {
		text, err := os.ReadFile(filepath.Join(dir, from))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "adapters"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "adapters", "one.yaml"), []byte("application: beta.one\nkind: filedrop\nsettings: {dir: drop/one}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rewrite("organisations/beta.yaml", "organisations/beta.yaml", "title: One\n    mailbox: {mode: nats}", "title: One\n    mailbox: {mode: sink}")
	for i := range memorySenders {
		name, key := fmt.Sprintf("s%d", i), fmt.Sprintf("%08d", 100+i)
		rewrite("organisations/alpha.yaml", "organisations/"+name+".yaml", "alpha", name, "00000001", key)
		rewrite("agreements/ding-eins.yaml", "agreements/"+name+".yaml", "alpha.app", name+".app", "00000001", key, "ding-eins", name)
	}
}

// queue puts the events into the in streams of a hub that is down.
func queue(t *testing.T, data string) {
	t.Helper()
	s, err := bus.StartEmbedded(bus.Embedded{Dir: data, MaxStore: 1 << 40, AllowTemp: true}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	b, err := s.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	space := strings.Repeat(" ", 900_000)
	for n := range memoryEvents {
		for i := range memorySenders {
			name := fmt.Sprintf("s%d", i)
			m := hubtest.Event(fmt.Sprintf("%s-%d", name, n), hubtest.Ding, fmt.Sprint("k", n), fmt.Sprintf(`{"n":%d%s}`, n, space))
			m.Subject = "in." + name + ".app." + hubtest.Ding
			m.Header["ce-source"] = []string{"urn:test:" + name + ":1"}
			if _, err := b.Publish(t.Context(), event.Message{Subject: m.Subject, Header: m.Header, Data: m.Data}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// peakMemory is the most that a process had in memory, in bytes.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("not measured: %v", err)
	}
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	var kb int64
	if _, err := fmt.Sscan(rest, &kb); err != nil || !ok {
		t.Skipf("not measured: no VmHWM (%v)", err)
	}
	return kb << 10
}

// TestGarbage: there may be more garbage the more memory there is beside what is in use, and
// little where there is little.
func TestGarbage(t *testing.T) {
	for _, c := range []struct {
		memory, inUse int64
		calm          bool
		want          int
	}{
		{512 << 20, 20 << 20, false, tightPercent},
		{512 << 20, 20 << 20, true, tightPercent},
		{4 << 30, 0, false, busiestPercent},
		{4 << 30, 20 << 20, false, busiestPercent},
		{4 << 30, 20 << 20, true, busyPercent},
		{4 << 30, 50 << 20, false, 250},
		{4 << 30, 800 << 20, false, busyPercent},
		{1 << 30, 50 << 20, false, busyPercent},
		{math.MaxInt64, 20 << 20, false, busiestPercent}, // GOMEMLIMIT=off
	} {
		if got := garbage(c.memory, c.inUse, c.calm); got != c.want {
			t.Errorf("%d MiB of %d in use, calm %t: %d %%, want %d", c.inUse>>20, c.memory>>20, c.calm, got, c.want)
		}
	}
}
