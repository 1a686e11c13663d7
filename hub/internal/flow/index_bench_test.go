package flow

import (
	"fmt"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/index"
)

// BenchmarkIndexInTheWay compares the work of a lane on a batch, all but the
// server's (decide, encode the records and the copies, tell the index), with the
// index in memory alone and on disk, each with a million identities, by turns in
// one run. Time is that of the lane (of the median batch), CPU that of the process: it counts what the
// index does in the background too.
func BenchmarkIndexInTheWay(b *testing.B) {
	disk, err := index.Open(b.TempDir(), index.Options{})
	if err != nil {
		b.Fatal(err)
	}
	indexes := []*index.Index{index.New(), disk}
	const before = 1_000_000
	for i := range before {
		d := &decision.Decision{
			In: "IN_alpha", ID: "old" + strconv.Itoa(i), Source: "urn:test:alpha", Outcome: "routed",
			Digest: digest([]byte(strconv.Itoa(i))), Decided: time.Now(),
		}
		for _, x := range indexes {
			x.Decided(uint64(i+1), d)
		}
	}
	fed := hubtest.Federation(b)
	var took [2][]time.Duration
	var cpu [2]time.Duration
	var lanes [2]*Lane
	for i, x := range indexes {
		version := NewVersion(fed)
		lanes[i] = &Lane{
			Organisation: "alpha", In: inAlpha, Index: x, Current: func() *Version { return version }, Now: time.Now,
			Deciding: &sync.Mutex{}, Decided: func(*decision.Decision) {}, Log: zap.NewNop(), version: version,
			Parking: &Parking{Organisation: "alpha", Index: x},
			out:     &target{}, quarantine: &target{}, parked: &target{}, trail: &target{last: before},
		}
	}
	n := 0
	for b.Loop() {
		msgs := batchOf(n)
		n += len(msgs)
		for k := range lanes {
			which := (k + n/maxEvents) % 2
			began, used := time.Now(), cpuTime()
			inTheWay(b, lanes[which], msgs)
			took[which] = append(took[which], time.Since(began))
			cpu[which] += cpuTime() - used
		}
	}
	memory, onDisk := median(took[0]), median(took[1])
	b.ReportMetric(float64(memory.Nanoseconds())/maxEvents, "ns/event-memory")
	b.ReportMetric(float64(onDisk.Nanoseconds())/maxEvents, "ns/event-disk")
	b.ReportMetric(float64(onDisk)/float64(memory), "ratio")
	b.ReportMetric(float64(cpu[1])/float64(cpu[0]), "ratio-cpu")
	if err := disk.Close(); err != nil {
		b.Fatal(err)
	}
}

// inTheWay is what a lane does with a batch, but for writing it.
func inTheWay(b *testing.B, l *Lane, msgs []*event.Message) {
	b.Helper()
	ds := l.decide(msgs)
	groups, err := trail.Groups(ds)
	if err != nil {
		b.Fatal(err)
	}
	if ds[0].Outcome != "routed" {
		b.Fatalf("%s %s", ds[0].Outcome, ds[0].Code)
	}
	l.trail.last++ // the cursor
	l.trail.first = l.trail.last + 1
	l.tell(groups)
	l.trail.last += uint64(len(groups))
	if _, err := l.loads(ds, msgs, nil); err != nil {
		b.Fatal(err)
	}
}

func batchOf(from int) []*event.Message {
	msgs := make([]*event.Message, maxEvents)
	for i := range msgs {
		m := hubtest.Event(fmt.Sprintf("e%d", from+i), hubtest.Ding, "k", fmt.Sprintf(`{"n":%d,"text":"x"}`, i))
		m.Stream, m.Seq, m.Time = inAlpha, uint64(from+i+1), time.Now()
		msgs[i] = &m
	}
	return msgs
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
