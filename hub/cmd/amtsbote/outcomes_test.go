package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// counted tells how many lines came with each write.
type counted chan int

func (c counted) Write(p []byte) (int, error) {
	c <- bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// TestOutcomesGather: the first line is printed at once, those after it together; before there
// is no more room for them, and at the end, none is waited for.
func TestOutcomesGather(t *testing.T) {
	wrote := make(counted, 2*waitingLines)
	o := newOutcomes(wrote, "de", time.Hour)
	line := func() { o.Delivered(&decision.Delivery{Result: decision.Done, ID: "1", Mailbox: "amt"}) }
	line()
	if n := <-wrote; n != 1 {
		t.Fatalf("%d lines were printed at first", n)
	}
	for range waitingLines/2 - 1 {
		line()
	}
	if n := len(o.lines); n != waitingLines/2-1 {
		t.Errorf("%d lines wait for others, want %d", n, waitingLines/2-1)
	}
	line()
	for n := 0; n < waitingLines/2; {
		n += <-wrote
	}
	line()
	line()
	var end bytes.Buffer
	o.close(&end)
	close(wrote)
	n := 0
	for more := range wrote {
		n += more
	}
	if n != 2 || end.Len() > 0 {
		t.Errorf("%d lines at the end, want 2; %s", n, &end)
	}
}

// stuck is read by nobody.
type stuck chan struct{}

func (s stuck) Write(p []byte) (int, error) {
	<-s
	return len(p), nil
}

// TestOutcomesStuck: when nobody reads, lines are left out and counted, and the end comes.
func TestOutcomesStuck(t *testing.T) {
	reader := make(stuck)
	t.Cleanup(func() { close(reader) })
	o := newOutcomes(reader, "en", 0)
	for range 2 * waitingLines {
		o.Delivered(&decision.Delivery{Result: decision.Done, ID: "1"})
	}
	o.close(&bytes.Buffer{})
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left < waitingLines/2 {
		t.Errorf("%d of %d lines were left out", o.left, 2*waitingLines)
	}
}
