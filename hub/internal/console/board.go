package console

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/parked"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// boardFor is how long what was asked for one is shown to all who follow a page: so often
// the hub is asked at most, however many they are.
const boardFor = time.Second

// board is what live overviews are drawn from.
type board struct {
	turn chan struct{} // holds one while somebody asks
	last *snapshot
}

// snapshot is how it goes, of everybody; what of it somebody may see is the page's to say.
type snapshot struct {
	at      time.Time
	refused map[string]uint64
	parked  []parked.Entry
	waits   map[string]uint64
	keys    []Credential
	paused  [2]map[string]*Pause // mailboxes and adapters
	index   *search.Index

	mu    sync.Mutex
	ways  map[string][]search.Way
	today map[string]map[string]uint64
}

// snapshot gives one that is no older than boardFor.
func (s *Server) snapshot(ctx context.Context) (*snapshot, error) {
	select { // who gives up does not wait for another's turn
	case s.board.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.board.turn }()
	if last := s.board.last; last != nil && time.Since(last.at) < boardFor {
		return last, nil
	}
	asking, cancel := context.WithTimeout(s.ending, timeout) // others get it too
	defer cancel()
	one, err := s.ask(asking)
	if err == nil {
		s.board.last = one
	}
	return one, err
}

// ask gives a snapshot of now.
func (s *Server) ask(ctx context.Context) (*snapshot, error) {
	one := &snapshot{
		at: time.Now(), index: s.cfg.Hub.Search(), waits: map[string]uint64{}, ways: map[string][]search.Way{}, today: map[string]map[string]uint64{},
	}
	if err := one.index.Err(); err != nil {
		return nil, err
	}
	var err error
	if one.refused, err = s.cfg.Hub.Refused(ctx, ""); err != nil {
		return nil, err
	}
	if one.parked, err = s.cfg.Hub.Parked(ctx); err != nil {
		return nil, err
	}
	if one.keys, err = s.keys(ctx); err != nil {
		return nil, err
	}
	one.paused[0], one.paused[1] = s.cfg.Hub.Paused()
	for _, m := range s.cfg.Hub.Mailboxes() {
		one.waits[m.Application] = m.Copies
	}
	return one, nil
}

// keys are all credentials and tokens.
func (s *Server) keys(ctx context.Context) ([]Credential, error) {
	tokens, err := s.cfg.Hub.Tokens(ctx)
	return append(s.cfg.Hub.Credentials(), tokens...), err
}

// refusedOf counts what lies in quarantine of an organisation, "" for all.
func (s *snapshot) refusedOf(org string) uint64 {
	if org == "" {
		return sum(s.refused)
	}
	own := map[string]uint64{}
	for subject, n := range s.refused {
		if strings.HasPrefix(subject, "quarantine."+org+".") {
			own[subject] = n
		}
	}
	return sum(own)
}

// waysOf are those of an organisation, the busiest first.
func (s *snapshot) waysOf(org string) []search.Way {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.ways[org]; !known {
		s.ways[org] = s.index.Ways(org)
	}
	return s.ways[org]
}

// todayOf are the counts of today of an organisation.
func (s *snapshot) todayOf(org string) map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.today[org] == nil {
		s.today[org] = s.index.Today(org)
	}
	return s.today[org]
}
