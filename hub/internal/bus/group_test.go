package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestGroup: many callers at once; all is stored, each caller's in order, in far
// fewer batches than messages.
func TestGroup(t *testing.T) {
	b, _ := start(t)
	g := b.Group(EdgeStream("lhm"))
	const callers, each = 50, 40
	var all sync.WaitGroup
	var at sync.Map // where each message is said to lie
	for c := range callers {
		all.Go(func() {
			for i := range each {
				seqs, err := g.Store(t.Context(), event.Message{Subject: fmt.Sprintf("edge.lhm.app.c%d", c), Data: fmt.Append(nil, i)})
				if err != nil {
					t.Error(err)
					continue
				}
				at.Store(seqs[0], fmt.Sprintf("edge.lhm.app.c%d %d", c, i))
			}
		})
	}
	all.Wait()
	next, batches := map[string]int{}, map[string]bool{}
	if err := b.Read(t.Context(), EdgeStream("lhm"), 1, nil, func(m *event.Message) error {
		if string(m.Data) != fmt.Sprint(next[m.Subject]) {
			t.Errorf("%s: %s, want %d", m.Subject, m.Data, next[m.Subject])
		}
		if said, _ := at.Load(m.Seq); said != m.Subject+" "+string(m.Data) {
			t.Errorf("%s %s lies at %d, where %v is said to lie", m.Subject, m.Data, m.Seq, said)
		}
		next[m.Subject]++
		batches[m.Get("Nats-Batch-Id")] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for c := range callers {
		if n := next[fmt.Sprintf("edge.lhm.app.c%d", c)]; n != each {
			t.Errorf("caller %d has %d messages stored, want %d", c, n, each)
		}
	}
	if len(batches) > callers*each/4 {
		t.Errorf("%d batches for %d messages", len(batches), callers*each)
	}
}

// TestGroupLarge: more than one batch holds, in order.
func TestGroupLarge(t *testing.T) {
	b, _ := start(t)
	msgs := make([]event.Message, 2*MaxBatch+7)
	for i := range msgs {
		msgs[i] = event.Message{Subject: "edge.lhm.app.t", Data: fmt.Appendf(nil, "%d%s", i, strings.Repeat(" ", 5000))}
	}
	seqs, err := b.Group(EdgeStream("lhm")).Store(t.Context(), msgs...)
	if err != nil || len(seqs) != len(msgs) {
		t.Fatal(len(seqs), err)
	}
	n := 0
	if err := b.Read(t.Context(), EdgeStream("lhm"), 1, nil, func(m *event.Message) error {
		if strings.TrimSpace(string(m.Data)) != fmt.Sprint(n) {
			t.Errorf("message %d is %.10s", n, m.Data)
		}
		if seqs[n] != m.Seq {
			t.Errorf("message %d lies at %d, and is said to lie at %d", n, m.Seq, seqs[n])
		}
		n++
		return nil
	}); err != nil || n != len(msgs) {
		t.Errorf("%d stored, want %d: %v", n, len(msgs), err)
	}
}

// TestGroupFull: a caller whose message has no room does not keep smaller ones
// out, and is told.
func TestGroupFull(t *testing.T) {
	b, _ := start(t)
	g := b.Group(EdgeStream("lhm"))
	large := event.Message{Subject: "edge.lhm.app.large", Data: make([]byte, 900<<10)}
	for err := error(nil); err == nil; { // 16 MiB
		if err = g.Publish(t.Context(), large); err != nil && !errors.Is(err, ErrStreamFull) {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for c := range 20 {
		all.Go(func() {
			m := event.Message{Subject: "edge.lhm.app.small", Data: []byte("x")}
			if c%4 == 0 {
				m = large
			}
			if err := g.Publish(t.Context(), m); errors.Is(err, ErrStreamFull) != (c%4 == 0) {
				t.Errorf("caller %d: %v", c, err)
			}
		})
	}
	all.Wait()
}

// TestGroupCancelled: a caller that gives up costs the others nothing.
func TestGroupCancelled(t *testing.T) {
	b, _ := start(t)
	g := b.Group(EdgeStream("lhm"))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Publish(gone, event.Message{Subject: "edge.lhm.app.t"}); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := g.Publish(t.Context(), event.Message{Subject: "edge.lhm.app.t"}); err != nil {
		t.Error(err)
	}
}
