package app

import (
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

func TestJudge(t *testing.T) {
	full, failed := bus.Fault{Stream: "TRAIL", Full: true}, bus.Fault{Stream: "OUT"}
	for _, c := range []struct {
		name   string
		faults []bus.Fault
		free   int64
		want   verdict
	}{
		{"nothing is wrong, also on a full disk", nil, 0, well},
		{"full", []bus.Fault{full}, roomToGoOn - 1, waitRoom},
		{"room again", []bus.Fault{full}, roomToGoOn, startAnew},
		{"a failing disk, however much room it has", []bus.Fault{full, failed}, 1 << 40, failing},
	} {
		if got := judge(c.faults, c.free); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestStaging(t *testing.T) {
	var s staging
	for i, c := range []struct {
		count uint64
		free  int64
		want  bool
	}{
		{0, 0, false},              // a full disk on which nothing failed
		{1, roomToGoOn, false},     // failed for another reason
		{1, roomToGoOn - 1, false}, // nothing new
		{2, roomToGoOn - 1, true},
		{2, 0, true}, // until there is room
		{3, roomToGoOn, false},
		{3, 0, false},
	} {
		if got := len(s.faults(c.count, c.free)) > 0; got != c.want {
			t.Errorf("step %d: %v, want %v", i, got, c.want)
		}
	}
}

func TestLevels(t *testing.T) {
	l := levels{}
	for i, c := range []struct {
		used int64
		want int
	}{
		{79, 0}, {80, 80}, {85, 0}, {79, 0}, {80, 0}, // told once, also when it wavers
		{95, 90}, {100, 0}, {84, 0}, {91, 90}, // left and passed again
		{10, 0}, {99, 90}, // from far below: the higher one only
	} {
		if got := l.crossed("IN_a", c.used, 100); got != c.want {
			t.Errorf("step %d: at %d %% level %d, want %d", i, c.used, got, c.want)
		}
	}
	if got := l.crossed("IN_b", 50, 0); got != 0 {
		t.Errorf("without a limit: level %d", got)
	}
}

// TestQuotaWarning: an organisation that has used four fifths of its quota is
// named in the log, once.
func TestQuotaWarning(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	a := &App{bus: hubtest.Bus(t), log: zap.New(core)}
	passed := levels{}
	a.warn(t.Context(), passed)
	if n := logged.Len(); n != 0 {
		t.Fatalf("%d warnings of empty stores", n)
	}
	large := make([]byte, 1_000_000)
	for used := int64(0); used < hubtest.Organisations[0].Quota*4/5; used += int64(len(large)) {
		if _, err := a.bus.Publish(t.Context(), event.Message{Subject: "in.alpha.app.x", Data: large}); err != nil {
			t.Fatal(err)
		}
	}
	a.warn(t.Context(), passed)
	a.warn(t.Context(), passed)
	all := logged.All()
	if len(all) != 1 {
		t.Fatalf("%d warnings, want one: %v", len(all), all)
	}
	if f := all[0].ContextMap(); f["organisation"] != "alpha" || f["percent"] != int64(80) || f["stream"] != "IN_alpha" {
		t.Errorf("the warning says %v", f)
	}
}
