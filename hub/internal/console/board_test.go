package console

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// counted is a hub that counts how often it is asked.
type counted struct {
	Hub
	x     *search.Index
	asked atomic.Int32
}

func (c *counted) Search() *search.Index { return c.x }

func (c *counted) Refused(context.Context, string) (map[string]uint64, error) {
	c.asked.Add(1)
	return map[string]uint64{"quarantine.alpha.app.NO_AGREEMENT": 2, "quarantine.beta.app.NO_AGREEMENT": 3}, nil
}

func (*counted) Parked(context.Context) ([]parked.Entry, error) { return nil, nil }

func (*counted) Paused() (mailboxes, adapters map[string]*Pause) { return nil, nil }

func (*counted) Credentials() []Credential { return nil }

func (*counted) Tokens(context.Context) ([]Credential, error) { return nil, nil }

func (*counted) Mailboxes() []Mailbox { return []Mailbox{{Application: "beta.one", Copies: 7}} }

func countedServer(t *testing.T) (*Server, *counted) {
	t.Helper()
	x, err := search.Open(filepath.Join(t.TempDir(), "search"), time.Unix(0, 0), 1<<40, search.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	h := &counted{x: x}
	return &Server{cfg: Config{Hub: h}, ending: t.Context(), board: board{turn: make(chan struct{}, 1)}, feed: feed{turn: make(chan struct{}, 1)}}, h
}

// TestSnapshot: however many follow the overview, the hub is asked once.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	s, h := countedServer(t)
	first, err := s.snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first.at = first.at.Add(time.Hour) // the machine may be slow
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			one, err := s.snapshot(t.Context())
			if err != nil || one != first || one.refusedOf("alpha") != 0 || one.waits["beta.one"] != 7 || len(one.waysOf("alpha")) != 0 || len(one.todayOf("")) != 0 {
				t.Error("not the shared one:", err)
			}
		})
	}
	all.Wait()
	if n := h.asked.Load(); n != 1 {
		t.Errorf("the hub was asked %d times", n)
	}
	first.at = first.at.Add(-2 * time.Hour)
	if one, err := s.snapshot(t.Context()); err != nil || one == first {
		t.Error("an old one is shown:", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.board.turn <- struct{}{}
	if _, err := s.snapshot(gone); err == nil {
		t.Error("who gives up waits for another's turn")
	}
}

// TestFeed: what is new is given once to each, and what is left out is told.
func TestFeed(t *testing.T) {
	t.Parallel()
	s, h := countedServer(t)
	seq := uint64(0)
	decide := func(n int) {
		for range n {
			seq++
			groups, err := trail.Singles([]*decision.Decision{{In: "IN_alpha", Seq: seq, ID: "e", Application: "alpha.app", Outcome: "unrouted", Stored: time.Now(), Decided: time.Now()}})
			if err != nil {
				t.Fatal(err)
			}
			m := groups[0].Message
			m.Seq = seq
			if err := h.x.Apply(&m); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.x.Flush(); err != nil {
			t.Fatal(err)
		}
		s.feed.at = s.feed.at.Add(-2 * boardFor)
	}
	look := func(behind search.Place) (int, search.Place, bool) {
		events, upTo, whole, err := s.since(t.Context(), behind)
		if err != nil {
			t.Fatal(err)
		}
		return len(events), upTo, whole
	}
	decide(3)
	n, at, _ := look(search.Place{})
	if n != 0 || at.Seq != 3 {
		t.Error("the feed begins with", n, at)
	}
	s.feed.at = time.Now()
	decide(5)
	if n, at, whole := look(at); n != 5 || at.Seq != 8 || !whole {
		t.Error("new are", n, at, whole)
	}
	s.feed.at = time.Now()
	decide(maxFeed + 2)
	if n, _, whole := look(search.Place{Seq: 8}); n != maxFeed || whole {
		t.Error("of too many are given", n, whole)
	}
	s.feed.at = time.Now()
	decide(4)
	if n, _, whole := look(search.Place{Seq: seq - 6}); n != 6 || !whole || len(s.feed.events) != maxFeed {
		t.Error("the last are", n, whole, "of", len(s.feed.events))
	}
	if n, _, whole := look(search.Place{Seq: 8}); n != maxFeed || whole {
		t.Error("what fell out is not told:", n, whole)
	}
	s.feed.at = time.Now().Add(-time.Hour)
	if n, _, whole := look(search.Place{Seq: seq - 6}); n != 6 || !whole {
		t.Error("after a rest a slow follower gets", n, whole)
	}
	s.feed.at = time.Now().Add(-time.Hour)
	if n, at, _ := look(search.Place{}); n != 0 || at.Seq != seq {
		t.Error("after a rest it begins anew:", n, at)
	}
}
