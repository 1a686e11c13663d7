package search_test

import (
	"path/filepath"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// TestOthersCopies: a receiver's organisation does not find out which other receivers
// there were; and a record that cannot be read stops nothing.
func TestOthersCopies(t *testing.T) {
	t.Parallel()
	c := &clock{made.AddDate(0, 0, 1)}
	x := open(t, filepath.Join(t.TempDir(), "search"), c)
	w := &writer{t: t, x: x}
	w.apply(event.Message{Subject: "trail." + decision.KindDecision + ".alpha.app", Data: []byte("{")}, nil)
	d := sample(1, c.at)
	d.Receivers = append(d.Receivers, decision.Receiver{Application: "gamma.two", Agreement: "b"})
	w.decide(d)
	if err := x.Flush(); err != nil || x.Applied() != 2 {
		t.Fatal("the trail is read to", x.Applied(), err)
	}
	for _, one := range []struct {
		org, app string
		want     int
	}{{"beta", "gamma.two", 0}, {"beta", "beta.one", 1}, {"beta", "alpha.app", 1}, {"alpha", "gamma.two", 1}, {"", "gamma.two", 1}} {
		a, err := x.Find(search.Query{Organisation: one.org, Application: one.app})
		if err != nil || len(a.Events) != one.want {
			t.Errorf("%s looks for %s and finds %d: %v", one.org, one.app, len(a.Events), err)
		}
	}
}
