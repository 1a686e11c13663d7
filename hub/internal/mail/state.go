package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Store keeps values over restarts; it is synced when Put returns. Get returns
// nil, nil for an unknown key.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, value []byte) error
}

const (
	bookKey  = "mail"
	saveRate = time.Second     // at most one save in this time, however much is told
	lastSave = 2 * time.Second // is how long the last save may take
)

// Load begins with what waited when the hub ended. A book that cannot be read begins
// anew: it only holds what stands in the log too.
func (p *Post) Load(ctx context.Context) error {
	p.book, p.changed = map[string]*entry{}, make(chan struct{}, 1)
	raw, err := p.Store.Get(ctx, bookKey)
	if err != nil {
		return fmt.Errorf("read which mails wait: %w", err)
	}
	if raw == nil {
		return nil
	}
	var entries []*entry
	if err := json.Unmarshal(raw, &entries); err != nil {
		p.Log.Error("which mails waited cannot be read; what they said stands in the log")
		return nil
	}
	for _, e := range entries {
		if e == nil || says[e.Notice.What] == (saying{}) || e.Count < 0 || len(p.book) >= most {
			continue
		}
		e.Attempt, e.Next = 0, time.Time{} // the settings may have changed
		p.book[e.Notice.Application+" "+e.Notice.What] = e
	}
	return nil
}

// save stores the book if it has changed, not too often, and tells when to look again
// at the latest.
func (p *Post) save(ctx context.Context) time.Time {
	now := time.Now()
	p.mu.Lock()
	dirty := p.dirty
	if next := p.saved.Add(saveRate); dirty && next.After(now) {
		p.mu.Unlock()
		return next
	}
	p.dirty = false
	entries := []*entry{}
	for key, e := range p.book {
		if e.Count == 0 && now.Sub(e.Sent) >= pause {
			delete(p.book, key)
			continue
		}
		one := *e
		entries = append(entries, &one)
	}
	p.mu.Unlock()
	if !dirty {
		return now.Add(idle)
	}
	p.saved = now
	raw, err := json.Marshal(entries)
	if err == nil {
		err = p.Store.Put(ctx, bookKey, raw)
	}
	if err == nil {
		return now.Add(idle)
	}
	p.Log.Warn("which mails wait is not stored; trying again", zap.Error(err))
	p.mu.Lock()
	p.dirty = true
	p.mu.Unlock()
	return now.Add(saveRate)
}
