package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/mend"
)

// verify: what was there is there once, or is named; nothing else is there.
func (m *mixed) verify(t *testing.T, is map[string]map[uint64]string, report *mend.Report) {
	t.Helper()
	named := map[string]map[uint64]mend.Fate{}
	count := map[string]int{}
	for _, l := range report.Losses {
		if named[l.Stream] == nil {
			named[l.Stream] = map[uint64]mend.Fate{}
		}
		named[l.Stream][l.Seq] = l.Fate
		count[l.Stream+" "+string(l.Fate)]++
		if l.Stream == bus.Trail && l.Subject == "" && blindTo(report, bus.Trail) {
			continue // gone with its book: nothing else holds its id
		}
		if l.ID == "" && l.Stream != bus.Parked && !strings.Contains(l.Subject, ".cursor.") && !strings.HasPrefix(l.Subject, "trail.removal.") {
			t.Errorf("%v has no event id", l)
		}
	}
	blind := map[string]string{}
	for _, of := range report.Streams {
		blind[of.Stream] = of.Blind
	}
	t.Log(count, blind)
	for stream, why := range blind {
		if why != "" && !recorded(is[bus.Trail], stream) {
			t.Errorf("the trail does not tell that %s could not be compared", stream)
		}
	}
	for _, stream := range mixedStreams {
		times := map[string]int{}
		for seq, text := range is[stream] {
			times[text]++
			if cursorOrFill(text) {
				continue
			}
			if was, ok := m.was[stream][seq]; ok && was == text {
				if _, now := m.holds[stream][seq]; !now && stream == bus.Parked {
					t.Errorf("%s %d was released and is there again: %.100s", stream, seq, text)
				}
			}
		}
		unsaid := 0
		for seq, text := range m.holds[stream] {
			if cursorOrFill(text) && stream != bus.Trail {
				continue
			}
			n := times[text]
			fate, said := named[stream][seq]
			switch {
			case stream == bus.Trail && is[stream][seq] != text && blind[stream] == "":
				if unsaid++; unsaid < 5 {
					t.Errorf("record %d is %.80q, was %.80q", seq, is[stream][seq], text)
				}
			case n > 1 && stream != bus.Trail:
				t.Errorf("%s %d is there %d times: %.100s", stream, seq, n, text)
			case n == 0 && (!said && blind[stream] == "" || fate == mend.Restored):
				if unsaid++; unsaid < 5 {
					t.Errorf("%s %d is gone (%q): %.100s", stream, seq, fate, text)
				}
			case n == 0 && fate == mend.Delivered && !strings.HasPrefix(text, "out.beta.one."):
				t.Errorf("%s %d was not acknowledged: %.100s", stream, seq, text)
			}
		}
		if unsaid > 5 {
			t.Errorf("%s: %d are gone unsaid", stream, unsaid)
		}
		known := map[string]bool{}
		for _, text := range m.was[stream] {
			known[text] = true
		}
		for seq, text := range is[stream] {
			if !known[text] && !cursorOrFill(text) && !strings.HasPrefix(text, "trail.damage.") {
				t.Errorf("%s %d was never there: %.100s", stream, seq, text)
			}
		}
	}
}

// recorded: the trail tells that a stream could not be compared.
func recorded(trail map[uint64]string, stream string) bool {
	for _, text := range trail {
		if strings.HasPrefix(text, "trail.damage."+stream+" ") && strings.Contains(text, `"blind":`) {
			return true
		}
	}
	return false
}

func blindTo(report *mend.Report, stream string) bool {
	return slices.ContainsFunc(report.Blind(), func(s mend.Summary) bool { return s.Stream == stream })
}

func cursorOrFill(text string) bool {
	return strings.Contains(text, ".cursor.") || strings.Contains(text, ".hub.lost ")
}

// newOnes: new events go their way once, a repeated one is known.
func (m *mixed) newOnes(t *testing.T, b *bus.Bus) {
	t.Helper()
	for _, in := range []string{"IN_alpha", "EDGE_alpha"} {
		root, _, _ := strings.Cut(strings.ToLower(in), "_")
		last := uint64(0)
		for _, id := range []string{hubtest.Ding + "-7", "late-9", "new-" + root} {
			e := hubtest.Event(id, hubtest.Ding, "key", `{"n":7,"text":"`+strings.Repeat("x", damageText)+`"}`)
			if id == "late-9" {
				e = hubtest.Event(id, hubtest.Ding, "key-2", fmt.Sprintf(`{"n":%d}`, damageRouted+9))
			}
			e.Subject = root + strings.TrimPrefix(e.Subject, "in")
			var err error
			if last, err = b.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		settledIn(t, b, in, last)
	}
	var copies map[string]int
	waitUntil(t, "the copies of the new events", func() bool { // they may be owed until the mailbox is counted
		copies = map[string]int{}
		if err := b.Often(t.Context(), bus.Out, 1, []string{"out.beta.>"}, func(m *event.Message) error {
			if id := m.Get("ce-id"); strings.HasPrefix(id, "new-") {
				copies[id+" "+m.Subject]++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return len(copies) == 4
	})
	for name, n := range copies {
		if n != 1 {
			t.Errorf("%d copies of %s", n, name)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	first := true
	err := b.HandOut(ctx, "beta.one", func(c *bus.Copy) {
		var n struct{ N int }
		if err := json.Unmarshal(c.Data, &n); first && (err != nil || n.N < damageTaken+mixedTaken) {
			t.Errorf("the first that beta.one gets is %d (%v); it has acknowledged %d", n.N, err, damageTaken+mixedTaken)
		}
		first = false
		cancel()
	})
	if err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}
