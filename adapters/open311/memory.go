package open311

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// told is what the hub knows of a report: one entry of the source's memory for each
// report. Digests stand for all that is personal, but in events that the hub is still to
// get.
type told struct {
	Kategorie     string    `json:"k"`
	KategorieName string    `json:"n,omitempty"`
	Eingegangen   string    `json:"e,omitempty"`
	Status        string    `json:"s"`
	Reason        string    `json:"g,omitempty"`
	Agency        string    `json:"a,omitempty"`
	Standing      string    `json:"t,omitempty"`
	Extent        string    `json:"x,omitempty"`
	Updated       time.Time `json:"u"`
	// Count is how many changes were told.
	Count int `json:"c,omitempty"`
	// Seen are the last of the server's separate updates, where it has these.
	Seen []string `json:"v,omitempty"`
	// Pending is the event of a new report until the hub has it: its photo could be
	// another one, or gone, at the next try.
	Pending json.RawMessage `json:"p,omitempty"`
	// Owed are the events of the last change until the hub has them.
	Owed []json.RawMessage `json:"o,omitempty"`
}

// memory is the source's durable memory.
type memory struct{ state hub.State }

const (
	keyCursor   = "cursor"   // until when changes were read, as the server's clock has it
	keyUpdates  = "updates"  // the same for separate updates
	keyBegin    = "begin"    // what is older was not told
	keyBaseline = "baseline" // the first look at everything is done
)

var errDamaged = errors.New("an entry of the memory is damaged; restore it from a backup")

func keyOf(id string) string { return "r." + digest(id) }

func (m memory) report(ctx context.Context, id string) (*told, error) {
	raw, err := m.state.Get(ctx, keyOf(id))
	if err != nil || raw == nil {
		return nil, wrap("read the memory of a report", err)
	}
	var t told
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, errDamaged
	}
	return &t, nil
}

func (m memory) remember(ctx context.Context, id string, t *told) error {
	raw, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("remember a report: %w", err)
	}
	return wrap("remember a report", m.state.Put(ctx, keyOf(id), raw))
}

// moment gives a time that is remembered, zero when none is.
func (m memory) moment(ctx context.Context, key string) (time.Time, error) {
	raw, err := m.state.Get(ctx, key)
	if err != nil || raw == nil {
		return time.Time{}, wrap("read the memory", err)
	}
	t, err := time.Parse(time.RFC3339Nano, string(raw))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", key, errDamaged)
	}
	return t, nil
}

func (m memory) keep(ctx context.Context, key string, t time.Time) error {
	return wrap("remember how far was read", m.state.Put(ctx, key, []byte(t.UTC().Format(time.RFC3339Nano))))
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
