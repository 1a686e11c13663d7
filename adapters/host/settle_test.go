package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// TestDelivered: the listener hears of each copy that was taken, across restarts and in any
// order, and of all at the end.
func TestDelivered(t *testing.T) {
	const ref = `"ereignis":{"source":"urn:x","id":"7","type":"t"}`
	taken := func(by, rule string) string {
		return `{` + ref + `,"empfaenger":{"fachverfahren":"` + by + `","regel":"` + rule + `"}}`
	}
	var told []string
	dir, away := t.TempDir(), true
	hear := func(typ, data string) error {
		var e hub.Event
		if err := json.Unmarshal([]byte(`{"specversion":"1.0","id":"r","source":"`+hub.ReceiptSource+`","type":"`+typ+`","data":`+data+`}`), &e); err != nil {
			t.Fatal(err)
		}
		m := &Mailbox{Receipts: state(dir), Listener: part{settled: func(s hub.Settlement) error {
			if away {
				return errors.New("away")
			}
			told = append(told, fmt.Sprintf("%s %s %d/%d", s.ID, s.Outcome, s.Done, s.Copies))
			return nil
		}}}
		return m.hear(t.Context(), &e)
	}
	if err := hear(typeDelivered, taken("lhm.a", "s")); err != nil {
		t.Error("before the outcome is known nobody is told:", err)
	}
	both := `{` + ref + `,"empfaenger":[{"fachverfahren":"lhm.a","regel":"r"},{"fachverfahren":"lhm.a","regel":"s"}]}`
	if err := hear(typeAccepted, both); err == nil {
		t.Error("the listener's error was lost")
	}
	away = false
	for _, one := range [][2]string{
		{typeAccepted, both},
		{typeDelivered, taken("lhm.a", "s")},
		{typeDelivered, taken("lhm.x", "r")},
		{typeDelivered, taken("lhm.a", "r")},
		{typeDelivered, taken("lhm.a", "s")},
		{typeAccepted, both}, // come again after the end
	} {
		if err := hear(one[0], one[1]); err != nil {
			t.Error(err)
		}
	}
	want := []string{"7 routed 1/2", "7 routed 1/2", "7 routed 1/2", "7 routed 2/2"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Fatal("values are left:", len(left), err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ticks, end := make(chan time.Time), make(chan error, 1)
	go func() { end <- sweepAlways(ctx, dir, ticks) }()
	ticks <- time.Now() // is taken after it has swept at its start
	old := time.Now().Add(-receiptsKept - time.Hour)
	if err := os.Chtimes(filepath.Join(dir, left[0].Name()), old, old); err != nil {
		t.Fatal(err)
	}
	ticks <- time.Now()
	ticks <- time.Now() // is taken after the one before was followed
	stop()
	if err := <-end; err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Error("it is not swept while running:", len(left), err)
	}
}

// TestDeliveredAtOnce: receipts of one event that are handled at the same time lose
// nothing of each other.
func TestDeliveredAtOnce(t *testing.T) {
	const n = 20
	var last hub.Settlement
	m := &Mailbox{Receipts: state(t.TempDir()), Listener: part{settled: func(s hub.Settlement) error { last = s; return nil }}}
	var all []receiver
	for i := range n {
		all = append(all, receiver{"lhm.a", strconv.Itoa(i)})
	}
	ref := hub.EventRef{Source: "urn:x", ID: "7", Type: "t"}
	if err := m.remember(t.Context(), ref, func(c *copies) { c.Known, c.Of, c.End = true, all, hub.Settlement{EventRef: ref, Outcome: hub.Routed} }); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, one := range all {
		wg.Go(func() {
			if err := m.remember(t.Context(), ref, func(c *copies) { c.By = append(c.By, one) }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if last.Done != n || last.Copies != n {
		t.Errorf("%d of %d", last.Done, last.Copies)
	}
}
