package open311

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The phases of a report that is forwarded.
const (
	sending = "sending" // it may be sent; whether it arrived is not known
	filed   = "filed"   // the other system has it
)

// mostTries is how often a report is sent whose outcome is not known: a server that never
// shows the mark must not get it without end.
const mostTries = 2

// forward is what is kept on disk of a forwarded report: no text, no place, nobody, but
// for what is owed.
// Until it is filed the file is the sink's, from then on the source's.
type forward struct {
	Phase string    `json:"phase"`
	At    time.Time `json:"at"` // when it was sent, or taken
	// Tries are the sendings whose outcome is not known, with the one that is under way.
	Tries   int      `json:"tries,omitempty"`
	Meldung meldung  `json:"meldung"` // as our own portal names it
	Case    string   `json:"case"`    // correlationid
	Cause   string   `json:"cause"`   // id of the event that forwarded it
	Without []string `json:"without,omitempty"`

	ServiceCode string `json:"service_code"`
	ID          string `json:"id,omitempty"`
	Token       string `json:"token,omitempty"`

	// What the hub has been told.
	ToldToken bool      `json:"told_token,omitempty"`
	ToldID    bool      `json:"told_id,omitempty"`
	Status    string    `json:"status,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Standing  string    `json:"standing,omitempty"`
	Count     int       `json:"count,omitempty"` // of the changes told
	Agency    string    `json:"agency,omitempty"`
	Updated   time.Time `json:"updated,omitzero"`
	// Owed are the events of the last change until the hub has them: with what the other
	// system says of it.
	Owed   []json.RawMessage `json:"owed,omitempty"`
	Closed time.Time         `json:"closed,omitzero"` // by our clock, when it was seen closed
	Lost   time.Time         `json:"lost,omitzero"`   // by our clock, since when the other system does not know it
}

// book keeps the forwarded reports, a file each.
type book struct {
	dir string

	mu   sync.Mutex
	busy map[string]chan struct{} // closed when nobody works on the report any more
}

// booksKept is how long a report is kept that is closed, or lost: longer than the hub
// repeats a delivery (30 days).
const booksKept = 60 * day

func openBook(dir string) (*book, error) {
	b := &book{dir: filepath.Join(dir, "forwarded"), busy: map[string]chan struct{}{}}
	if err := os.MkdirAll(b.dir, dirMode); err != nil {
		return nil, fmt.Errorf("make the folder for forwarded reports: %w", err)
	}
	return b, nil
}

const bookEnding = ".json"

func (b *book) path(id string) string { return filepath.Join(b.dir, id+bookEnding) }

// get gives nil for a report that is not there.
func (b *book) get(id string) (*forward, error) {
	raw, err := os.ReadFile(b.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up a forwarded report: %w", err)
	}
	var f forward
	if json.Unmarshal(raw, &f) != nil || f.Phase != sending && f.Phase != filed {
		return nil, fmt.Errorf("the record of a forwarded report is damaged: %s", filepath.Base(b.path(id)))
	}
	return &f, nil
}

func (b *book) put(id string, f *forward) error {
	raw, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("keep a forwarded report: %w", err)
	}
	return wrap("keep a forwarded report", replace(b.path(id), raw))
}

// tries of a record that lies there: one at least.
func (f *forward) tries() int { return max(f.Tries, 1) }

// restore puts the earlier record back, or none.
func (b *book) restore(id string, earlier *forward) error {
	if earlier == nil {
		return b.remove(id)
	}
	return b.put(id, earlier)
}

func (b *book) remove(id string) error {
	if err := os.Remove(b.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget a forwarded report: %w", err)
	}
	return wrap("forget a forwarded report", syncDir(b.dir))
}

// ids lists what is kept.
func (b *book) ids() ([]string, error) {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, fmt.Errorf("look through forwarded reports: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), bookEnding); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// enter waits until nobody else works on the report; done is that of the caller's
// context.
func (b *book) enter(done <-chan struct{}, id string) (leave func(), ok bool) {
	for {
		b.mu.Lock()
		other, taken := b.busy[id]
		if !taken {
			mine := make(chan struct{})
			b.busy[id] = mine
			b.mu.Unlock()
			return func() {
				b.mu.Lock()
				delete(b.busy, id)
				b.mu.Unlock()
				close(mine)
			}, true
		}
		b.mu.Unlock()
		select {
		case <-other:
		case <-done:
			return nil, false
		}
	}
}
