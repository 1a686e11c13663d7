package app

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
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
