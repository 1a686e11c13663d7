package keep

import (
	"fmt"
	"maps"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
)

// TestBooked: the ledger counts what a reading of the stream counts, also when some of
// it was taken out before; and says when it does not know.
func TestBooked(t *testing.T) {
	b := hubtest.Bus(t)
	l, err := ledger.Open(t.TempDir(), make([]byte, 32), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b.Tell(l)
	k := &Keeper{Bus: b, Ledger: l, Log: zap.NewNop()}
	for n := range 60 {
		if _, err := b.Publish(t.Context(), hubtest.Event("e", []string{hubtest.Ding, hubtest.Niemand}[n%3/2], "k", `{"n":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	if got := k.booked(t.Context(), inAlpha, 1, 40); got != nil {
		t.Errorf("an empty book knows %v", got)
	}
	var all []*event.Message
	if err := b.Read(t.Context(), inAlpha, 1, nil, func(m *event.Message) error { all = append(all, m); return nil }); err != nil {
		t.Fatal(err)
	}
	l.Holds(inAlpha, 1, 50, all[:50])
	ding, niemand := all[0].Subject, all[2].Subject
	if err := b.Purge(t.Context(), inAlpha, ding, 10); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), inAlpha, 12); err != nil {
		t.Fatal(err)
	}
	want := map[string]decision.Range{}
	for _, subject := range []string{ding, niemand} {
		if want[subject], err = k.between(t.Context(), inAlpha, subject, []string{subject}, 40); err != nil {
			t.Fatal(err)
		}
	}
	got := k.booked(t.Context(), inAlpha, 3, 40)
	for subject, r := range got { // the caller names them
		r.Subject = subject
		got[subject] = r
	}
	if !maps.Equal(got, want) || want[ding].Messages == 0 || want[niemand].Messages == 0 {
		t.Errorf("the ledger counts %v, a reading %v", got, want)
	}
	if got := k.booked(t.Context(), inAlpha, 3, 51); got != nil {
		t.Errorf("what the book does not know is counted: %v", got)
	}
}

// TestNotedAndLeft: a hub that ended after the ledger had noted that events go, and
// before they went, does not leave them for ever.
func TestNotedAndLeft(t *testing.T) {
	w := newWorld(t)
	w.begin(script(done))
	const n = 5
	for i := range n {
		w.publish(hubtest.Event(fmt.Sprintf("s%d", i), hubtest.Sache, "k", `{"n":1}`))
	}
	w.carriedOut()
	l, err := ledger.Open(t.TempDir(), make([]byte, 32), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var all []*event.Message
	if err := w.bus.Read(t.Context(), inAlpha, 1, nil, func(m *event.Message) error { all = append(all, m); return nil }); err != nil {
		t.Fatal(err)
	}
	l.Holds(inAlpha, 1, n, all)
	if err := l.Removing(inAlpha, ">", n); err != nil {
		t.Fatal(err)
	}
	k := w.keeper(nil)
	k.Ledger = l
	w.run(k)
	if left := w.messages(inAlpha, ">"); left != 0 {
		t.Errorf("%d events stay", left)
	}
}
