package search_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

var made = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// clock is a time that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func open(t *testing.T, dir string, c *clock) *search.Index {
	t.Helper()
	x, err := search.Open(dir, made, 1<<40, search.Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// writer makes messages of a trail.
type writer struct {
	t   *testing.T
	x   *search.Index
	seq uint64
}

func (w *writer) apply(m event.Message, err error) {
	w.t.Helper()
	w.seq++
	m.Seq = w.seq
	if err == nil {
		err = w.x.Apply(&m)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *writer) decide(d *decision.Decision) {
	w.t.Helper()
	groups, err := trail.Singles([]*decision.Decision{d})
	if err != nil {
		w.t.Fatal(err)
	}
	w.apply(groups[0].Message, nil)
}

func sample(n int, at time.Time) *decision.Decision {
	return &decision.Decision{
		In: "IN_alpha", Seq: uint64(n), ID: fmt.Sprint("e", n), Case: fmt.Sprint("case", n%2), Type: "de.test.ding.v1", Source: "urn:test:alpha",
		Application: "alpha.app", Outcome: hub.Routed, Stored: at, Decided: at,
		Receivers: []decision.Receiver{{Application: "beta.one", Agreement: "a"}},
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 0, 30, 0, time.UTC)}
	dir := filepath.Join(t.TempDir(), "search")
	x := open(t, dir, c)
	w := &writer{t: t, x: x}
	for n := range 10 {
		w.decide(sample(n, c.at.Add(time.Duration(n-20)*time.Second)))
	}
	other := sample(99, c.at)
	other.Application, other.In, other.Outcome, other.Receivers, other.Code = "gamma.app", "IN_gamma", hub.Unrouted, nil, "NO_AGREEMENT"
	w.decide(other)
	w.apply(trail.Delivery(&decision.Delivery{In: "IN_alpha", Seq: 3, ID: "e3", Mailbox: "beta.one", Result: decision.Done, Attempt: 2, At: c.at}))
	w.apply(trail.DoorRefusal(&decision.DoorRefusal{Application: "alpha.app", Code: "AUTH", Count: 7, Last: c.at}))
	w.apply(trail.Act(&decision.Act{Act: decision.ActRelease, Application: "alpha.app", Key: "k", Who: "somebody", At: c.at}))
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	ids := func(q search.Query) (out string) {
		t.Helper()
		for {
			a, err := x.Find(q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range a.Events {
				out += e.ID + " "
			}
			if a.More == (search.Place{}) {
				return out
			}
			q.Behind = a.More
		}
	}
	for _, tc := range []struct {
		q    search.Query
		want string
	}{
		{search.Query{}, "e99 e9 e8 e7 e6 e5 e4 e3 e2 e1 e0 "},
		{search.Query{Limit: 3}, "e99 e9 e8 e7 e6 e5 e4 e3 e2 e1 e0 "},
		{search.Query{Organisation: "gamma"}, "e99 "},
		{search.Query{Organisation: "beta", Limit: 4}, "e9 e8 e7 e6 e5 e4 e3 e2 e1 e0 "},
		{search.Query{Application: "beta.one", Case: "case1"}, "e9 e7 e5 e3 e1 "},
		{search.Query{Outcome: hub.Unrouted}, "e99 "},
		{search.Query{Type: "de.test.other.v1"}, ""},
		{search.Query{From: c.at.Add(-13 * time.Second), To: c.at}, "e9 e8 e7 "},
	} {
		if got := ids(tc.q); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.q, got, tc.want)
		}
	}
	found, err := x.Case("case1", of("beta"))
	if err != nil || len(found) != 5 || found[0].ID != "e1" {
		t.Errorf("case1 of beta: %+v, %v", found, err)
	}
	if found, err = x.Case("case1", of("gamma")); err != nil || len(found) != 1 || found[0].ID != "e99" {
		t.Errorf("case1 of gamma: %+v, %v", found, err)
	}
	if seqs, err := x.Records("e3"); err != nil || fmt.Sprint(seqs) != "[4 12]" {
		t.Errorf("records of e3: %v, %v", seqs, err)
	}
	if copies, err := x.Copies("IN_alpha", 3); err != nil || len(copies) != 1 || copies[0].Attempt != 2 {
		t.Errorf("copies of e3: %+v, %v", copies, err)
	}
	if acts, more, err := x.Acts(search.Place{}, 1); err != nil || len(acts) != 1 || acts[0].Who != "somebody" || more != (search.Place{}) {
		t.Errorf("acts: %+v, %v", acts, err)
	}
	today := x.Today("alpha")
	if today[search.CountAccepted] != 10 || today["routed"] != 10 || today[search.CountDoor] != 7 {
		t.Errorf("today of alpha: %v", today)
	}
	if n := x.Today("")[search.CountAccepted]; n != 11 {
		t.Errorf("today: %d", n)
	}
	if ways := x.Ways("beta"); len(ways) != 1 || ways[0].Today != 10 || ways[0].From != "alpha.app" || ways[0].To != "beta.one" {
		t.Errorf("ways: %+v", ways)
	}
	c.at = c.at.Add(2 * time.Minute)
	if ways := x.Ways(""); ways[0].Minute != 2 {
		t.Errorf("a minute: %+v", ways)
	}
	if len(x.Ways("gamma")) > 0 {
		t.Error("gamma has ways of others")
	}
	if at := x.Last("alpha.app"); !at.Equal(time.Date(2026, 11, 28, 12, 0, 19, 0, time.UTC)) {
		t.Error("last:", at)
	}
}

// TestAgain: what is told twice changes nothing, what was flushed is there after a
// restart, and another trail empties it.
func TestAgain(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	dir := filepath.Join(t.TempDir(), "search")
	x := open(t, dir, c)
	w := &writer{t: t, x: x}
	w.decide(sample(1, c.at))
	w.seq = 0
	w.decide(sample(1, c.at))
	changed := x.Changed()
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	<-changed
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Find(search.Query{}); err == nil {
		t.Error("a closed index answers")
	}
	again := open(t, dir, c)
	if a, err := again.Find(search.Query{}); err != nil || len(a.Events) != 1 || again.Applied() != 1 || again.Today("")["routed"] != 1 {
		t.Errorf("after a restart: %+v, %v", a, err)
	}
	if len(again.Ways("")) != 1 {
		t.Error("the ways of today are forgotten by a restart")
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func() (*search.Index, error){
		"another trail": func() (*search.Index, error) { return search.Open(dir, made.Add(1), 9, search.Options{}) },
		"a shorter one": func() (*search.Index, error) { return search.Open(dir, made.Add(1), 0, search.Options{}) },
		"damage": func() (*search.Index, error) {
			files, _ := filepath.Glob(filepath.Join(dir, "MANIFEST-*"))
			for _, f := range files {
				if err := os.WriteFile(f, []byte("nothing"), 0o600); err != nil {
					return nil, err
				}
			}
			return search.Open(dir, made.Add(1), 9, search.Options{})
		},
	} {
		x, err := spoil()
		if err != nil {
			t.Fatal(name, err)
		}
		if a, err := x.Find(search.Query{}); err != nil || len(a.Events) > 0 || x.Applied() != 0 {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSweep: after the horizon nothing is left of an event, and what is younger stays.
func TestSweep(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	x := open(t, filepath.Join(t.TempDir(), "search"), c)
	w := &writer{t: t, x: x}
	w.decide(sample(1, c.at))
	w.apply(trail.Delivery(&decision.Delivery{In: "IN_alpha", Seq: 1, ID: "e1", Mailbox: "beta.one", Result: decision.Done, At: c.at}))
	later := c.at.Add(20 * 24 * time.Hour)
	w.decide(sample(3, later))
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(31 * 24 * time.Hour)
	if n, err := x.Sweep(100); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
	a, err := x.Find(search.Query{})
	if err != nil || len(a.Events) != 1 || a.Events[0].ID != "e3" {
		t.Errorf("left: %+v, %v", a, err)
	}
	if seqs, err := x.Records("e1"); err != nil || len(seqs) > 0 {
		t.Errorf("records of e1: %v, %v", seqs, err)
	}
	if copies, err := x.Copies("IN_alpha", 1); err != nil || len(copies) > 0 {
		t.Errorf("copies of e1: %v, %v", copies, err)
	}
	if found, err := x.Case("case1", of("")); err != nil || len(found) != 1 {
		t.Errorf("case: %+v, %v", found, err)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for _, p := range []search.Place{{Seq: 1}, {Seq: 1 << 60, Pos: 65535}} {
		if got, ok := search.ReadPlace(p.String()); !ok || got != p {
			t.Errorf("%v: %v", p, got)
		}
	}
	for _, bad := range []string{"", "00", "zz"} {
		if _, ok := search.ReadPlace(bad); ok {
			t.Errorf("%q is a place", bad)
		}
	}
}

// of leaves the events that concern an organisation, "" for all.
func of(organisation string) func(*search.Event) bool {
	return func(e *search.Event) bool { return organisation == "" || e.Concerns(organisation) }
}

// TestHours: charts show the last 24 hours, also after a start, and the rest is forgotten.
func TestHours(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 10, 0, 0, time.UTC)}
	dir := filepath.Join(t.TempDir(), "search")
	x := open(t, dir, c)
	w := &writer{t: t, x: x}
	for n, ago := range []time.Duration{50 * time.Hour, 24 * time.Hour, 23 * time.Hour, time.Hour, 20 * time.Minute, 0, 0} {
		w.decide(sample(n, c.at.Add(-ago)))
	}
	w.apply(trail.Delivery(&decision.Delivery{In: "IN_alpha", Seq: 6, ID: "e6", Mailbox: "beta.one", Result: decision.Done, At: c.at}))
	w.apply(trail.Delivery(&decision.Delivery{In: "IN_alpha", Seq: 5, ID: "e5", Mailbox: "beta.one", Result: decision.Parked, At: c.at}))
	w.apply(trail.DoorRefusal(&decision.DoorRefusal{Application: "alpha.app", Code: "AUTH", Count: 7, Last: c.at}))
	look := func(x *search.Index, what, name, want string) {
		t.Helper()
		var got []string
		for _, h := range x.Hours(what, name) {
			if h.N > 0 {
				got = append(got, fmt.Sprint(h.Start.UTC().Format("02T15 "), h.N))
			}
		}
		if s := strings.Join(got, ", "); s != want || len(x.Hours(what, name)) != 24 {
			t.Errorf("%s of %s: %s, want %s", what, name, s, want)
		}
	}
	look(x, search.HourAccepted, "alpha", "27T13 1, 28T11 2, 28T12 2")
	look(x, search.HourCopies, "beta.one", "27T13 1, 28T11 2, 28T12 2")
	look(x, search.HourSettled, "beta.one", "28T12 1")
	look(x, search.HourAccepted, "beta", "")
	if n, last := x.Door("alpha.app"); n != 7 || !last.Equal(c.at) {
		t.Error("refused at the door:", n, last)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = open(t, dir, c)
	look(x, search.HourCopies, "beta.one", "27T13 1, 28T11 2, 28T12 2")
	if to, from := x.Minute("beta.one"); to != 0 || from != 0 {
		t.Error("rates after a start:", to, from)
	}
	c.at = c.at.Add(30 * time.Hour)
	if _, err := x.Sweep(10); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(-30 * time.Hour)
	look(x, search.HourCopies, "beta.one", "")
}

// TestErrorsOfAWay: what a receiver did not take counts on the way from who sent it, at
// once and after a restart, and a key that was parked before it was refused counts twice.
func TestErrorsOfAWay(t *testing.T) {
	t.Parallel()
	c := &clock{time.Date(2026, 11, 28, 12, 0, 30, 0, time.UTC)}
	dir := filepath.Join(t.TempDir(), "search")
	x := open(t, dir, c)
	w := &writer{t: t, x: x}
	for n := range 6 {
		w.decide(sample(n, c.at))
	}
	settled := func(n int, r decision.Result) {
		w.apply(trail.Delivery(&decision.Delivery{In: "IN_alpha", Seq: uint64(n), ID: fmt.Sprint("e", n), Mailbox: "beta.one", Result: r, Attempt: 1, At: c.at}))
	}
	errors := func(want uint64) {
		t.Helper()
		ways := w.x.Ways("")
		if len(ways) != 1 || ways[0].From != "alpha.app" || ways[0].To != "beta.one" || ways[0].Errors != want || ways[0].Today != 6 {
			t.Errorf("%+v, want %d errors", ways, want)
		}
	}
	settled(0, decision.Done)
	settled(1, decision.Refused)
	flush := func() {
		t.Helper()
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	errors(1)
	flush()
	settled(2, decision.Expired)
	flush()
	flush()
	settled(3, decision.Parked)
	settled(3, decision.Refused)
	errors(4)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	w.x = open(t, dir, c)
	errors(4)
	settled(4, decision.Refused)
	settled(77, decision.Refused) // of an event that is not known
	errors(5)
}
