package search_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// TestReceipts: receipts come into their mailbox, and are no copies that were taken over.
func TestReceipts(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 10, 0, 0, time.UTC)}
	x := open(t, filepath.Join(t.TempDir(), "search"), c)
	w := &writer{t: t, x: x}
	for n, outcome := range []hub.Outcome{hub.Routed, hub.Quarantined, hub.Suppressed, hub.Parked} {
		d := sample(n+1, c.at)
		if d.Outcome = outcome; outcome != hub.Suppressed {
			d.Receipt = "alpha.box"
		}
		w.decide(d)
	}
	done := func(id, mailbox string) *decision.Delivery {
		return &decision.Delivery{In: "IN_alpha", Seq: 1, ID: id, Mailbox: mailbox, Result: decision.Done, At: c.at}
	}
	copied := done("e1", "beta.one")
	copied.Handed = &decision.Told{Receipt: "alpha.box"}
	w.apply(trail.Delivery(copied))
	w.apply(trail.Delivery(done("IN_alpha-1-quittung", "alpha.box")))
	w.apply(trail.Delivery(done("IN_alpha-1-beta.one-zugestellt", "alpha.box")))
	if n := x.Today("")["done"]; n != 1 {
		t.Errorf("%d copies were taken over", n)
	}
	for what, want := range map[string]uint64{search.HourCopies: 3, search.HourSettled: 2} {
		if hours := x.Hours(what, "alpha.box"); hours[len(hours)-1].N != want {
			t.Errorf("%s: %d, want %d", what, hours[len(hours)-1].N, want)
		}
	}
}

// TestPagesOfActs: all acts are shown, each once, on pages.
func TestPagesOfActs(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 10, 0, 0, time.UTC)}
	x := open(t, filepath.Join(t.TempDir(), "search"), c)
	w := &writer{t: t, x: x}
	for n := range 5 {
		w.apply(trail.Act(&decision.Act{Act: decision.ActRelease, Application: "alpha.app", Key: "k", Who: fmt.Sprint(n), At: c.at}))
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	got, pages, behind := "", 0, search.Place{}
	for {
		acts, more, err := x.Acts(behind, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range acts {
			got += a.Who
		}
		if pages++; more == (search.Place{}) || pages > 5 {
			break
		}
		behind = more
	}
	if got != "43210" || pages != 3 {
		t.Errorf("%s on %d pages", got, pages)
	}
}

// TestInQuarantine: what went into quarantine is found whatever the reason.
func TestInQuarantine(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 10, 0, 0, time.UTC)}
	x := open(t, filepath.Join(t.TempDir(), "search"), c)
	w := &writer{t: t, x: x}
	for n, outcome := range []hub.Outcome{hub.Routed, hub.Quarantined, hub.Unrouted, hub.Suppressed} {
		d := sample(n, c.at)
		d.Outcome = outcome
		w.decide(d)
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	a, err := x.Find(search.Query{Outcome: search.InQuarantine})
	if err != nil || len(a.Events) != 2 || a.Events[0].ID != "e2" || a.Events[1].ID != "e1" {
		t.Errorf("%+v, %v", a.Events, err)
	}
}
