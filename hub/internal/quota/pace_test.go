package quota

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// TestPace: over any time no more than the rate, and what a second's rest has saved,
// is worked off; a lower rate holds at once; it is told once.
func TestPace(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	most := 100
	p := &Pace{Organisation: "alpha", Rate: func() int { return most }, Log: zap.New(core)}
	now := time.Now()
	if wait := p.reserve(now, most, 100); wait != 0 {
		t.Fatalf("the first second's events wait %v", wait)
	}
	for i := range 5 { // at once: each chunk of 50 costs half a second more
		want := time.Duration(i+1) * 500 * time.Millisecond
		if wait := p.reserve(now, most, 50); (wait - want).Abs() > time.Millisecond {
			t.Errorf("chunk %d waits %v, want %v", i, wait, want)
		}
	}
	if n := logs.Len(); n != 1 {
		t.Errorf("told %d times, want once", n)
	}
	if p.Held() != 7500*time.Millisecond {
		t.Errorf("held %v", p.Held())
	}
	most = 10
	if wait := p.reserve(now.Add(time.Hour), most, 10); wait != 0 {
		t.Errorf("a new rate begins with %v", wait)
	}
	if wait := p.reserve(now.Add(time.Hour), most, 10); (wait - time.Second).Abs() > time.Millisecond {
		t.Errorf("ten more wait %v, want a second", wait)
	}
}

func TestSteps(t *testing.T) {
	all := make([]int, 25)
	for _, c := range []struct {
		pace *Pace
		want []int
	}{
		{nil, []int{25}},
		{&Pace{Rate: func() int { return 0 }}, []int{25}},
		{&Pace{Rate: func() int { return 10 }}, []int{10, 10, 5}},
		{&Pace{Rate: func() int { return 100 }}, []int{25}},
	} {
		var got []int
		for step := range Steps(c.pace, all) {
			got = append(got, len(step))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("steps %v, want %v", got, c.want)
		}
	}
}

func TestPaceEnds(t *testing.T) {
	p := &Pace{Rate: func() int { return 1 }, Log: zap.NewNop()}
	ctx, cancel := context.WithCancel(t.Context())
	if err := p.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("it gave %v, want that it was ended", err)
	}
}
