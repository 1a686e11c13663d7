package zms

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/internal/spool"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	secretName = "geheimnis"
	minSecret  = 32 // characters
)

// openSecret reads the key of the ids, and makes one at the first start.
func openSecret(dir string) (secret, error) {
	if err := os.MkdirAll(dir, spool.DirMode); err != nil {
		return nil, fmt.Errorf("make the folder of the journal: %w", err)
	}
	path := filepath.Join(dir, secretName)
	raw, err := os.ReadFile(path) //nolint:gosec // in the adapter's folder
	if errors.Is(err, fs.ErrNotExist) {
		raw = []byte(rand.Text() + rand.Text())
		err = spool.Private(path, raw)
	}
	if err != nil {
		return nil, fmt.Errorf("the key of the ids: %w", err)
	}
	if len(raw) < minSecret {
		return nil, fmt.Errorf("the key of the ids (file %s) is shorter than %d characters", secretName, minSecret)
	}
	return raw, nil
}

// cases remembers to which case a reservation of the sink belongs.
type cases struct{ dir string }

type matter struct {
	Antrag string `json:"antrag,omitempty"`
	Case   string `json:"vorgang,omitempty"`
}

func (c *cases) path(token string) string { return filepath.Join(c.dir, token+".json") }

func (c *cases) get(token string) (m matter, err error) {
	raw, err := os.ReadFile(c.path(token))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("look up a case: %w", err)
	}
	if json.Unmarshal(raw, &m) != nil {
		return m, errors.New("look up a case: its file is damaged")
	}
	return m, nil
}

func (c *cases) put(token string, m matter) error {
	raw, err := json.Marshal(m)
	if err == nil {
		err = os.MkdirAll(c.dir, spool.DirMode)
	}
	if err == nil {
		err = spool.Private(c.path(token), raw)
	}
	if err != nil {
		return fmt.Errorf("remember a case: %w", err)
	}
	return nil
}

func (c *cases) forget(token string) error {
	if token == "" {
		return nil
	}
	if err := os.Remove(c.path(token)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget a case: %w", err)
	}
	return nil
}

// caseKept is how long a case is remembered whose appointment the source never sees.
const caseKept = 400 * 24 * time.Hour

func (c *cases) sweep(now time.Time) error {
	if err := spool.Forget(c.dir, now.Add(-caseKept)); err != nil {
		return fmt.Errorf("forget old cases: %w", err)
	}
	return nil
}

var errEvent = errors.New("an event in the adapter's folder is damaged")

func readEvent(raw []byte) (hub.Event, error) {
	e := cloudevents.New()
	if json.Unmarshal(raw, &e) != nil || e.Validate() != nil { // their texts quote
		return e, errEvent
	}
	return e, nil
}
