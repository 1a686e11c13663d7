package akdb

import (
	"strings"
	"sync"
	"time"
)

// perHour counts what each author got within the last hour, since the start: the
// last guard against two sides that answer each other for ever. nil bounds nothing.
type perHour struct {
	most int

	mu   sync.Mutex
	when map[string][]time.Time // by key, oldest first
}

func newPerHour(most int) *perHour { return &perHour{most: most, when: map[string][]time.Time{}} }

// full says whether the author has got as much as it may.
func (p *perHour) full(autor string) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(time.Now().Add(-time.Hour))
	return len(p.when[strings.ToLower(autor)]) >= p.most
}

// count notes that the author got one.
func (p *perHour) count(autor string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	autor = strings.ToLower(autor)
	p.when[autor] = append(p.when[autor], time.Now())
}

func (p *perHour) forget(before time.Time) {
	for autor, all := range p.when {
		for len(all) > 0 && all[0].Before(before) {
			all = all[1:]
		}
		if p.when[autor] = all; len(all) == 0 {
			delete(p.when, autor)
		}
	}
}
