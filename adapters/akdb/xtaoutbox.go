package akdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
)

// outbox remembers durably, by Delivery.ID, under which message id and with which
// bytes an event is sent. Both are chosen before the first try, and every try
// sends the same.
type outbox struct {
	dir      string
	remember time.Duration

	mu   sync.Mutex
	next time.Time // of forgetting
}

// consignment is one event on its way to the server.
type consignment struct {
	State     string          `json:"state"`
	MessageID string          `json:"messageID"`
	Since     time.Time       `json:"since"`          // of the state
	Begun     time.Time       `json:"begun,omitzero"` // Rückweisungen only
	Meta      *wire.MetaData  `json:"meta,omitempty"`
	Files     []consignedFile `json:"files,omitempty"` // the message, then attachments

	id string // Delivery.ID
}

type consignedFile struct {
	Size        int64  `json:"size"`
	ContentType string `json:"contentType"`
	Filename    string `json:"filename,omitempty"`
}

// The states of a consignment.
const (
	written = "written" // the bytes are chosen, the message id is not
	offered = "offered" // the server may have it, or not
	sent    = "sent"    // the server has it, its report is not final
	done    = "done"
)

// openOutbox makes the directory and forgets what was done long ago.
func openOutbox(dir string, remember time.Duration) (*outbox, error) {
	o := &outbox{dir: dir, remember: remember}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make outbox: %w", err)
	}
	return o, o.tidy()
}

// tidy forgets what was done long ago; called again and again it looks once an hour.
func (o *outbox) tidy() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if now.Before(o.next) {
		return nil
	}
	o.next = now.Add(min(time.Hour, o.remember))
	return o.forget(now.Add(-o.remember))
}

func (o *outbox) forget(before time.Time) error {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	for _, e := range entries {
		id, isRecord := strings.CutSuffix(e.Name(), ".json")
		info, err := e.Info()
		if err != nil || !isRecord || !info.ModTime().Before(before) {
			continue
		}
		if c, err := o.load(id); err == nil && c != nil && c.State == done {
			if err := o.drop(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// unfinished gives the ids of what is on its way, oldest first, and those whose
// record is damaged.
func (o *outbox) unfinished() (ids, damaged []string, err error) {
	entries, err := os.ReadDir(o.dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read outbox: %w", err)
	}
	var all []*consignment
	for _, e := range entries {
		id, isRecord := strings.CutSuffix(e.Name(), ".json")
		if !isRecord || strings.HasPrefix(id, ".") {
			continue
		}
		switch c, err := o.load(id); {
		case errors.Is(err, errDamaged):
			damaged = append(damaged, id)
		case err != nil:
			return nil, nil, err
		case c != nil && c.State != done:
			all = append(all, c)
		}
	}
	return sortByBegin(all), damaged, nil
}

// errDamaged says that a record cannot be understood.
var errDamaged = errors.New("the record is damaged")

func (o *outbox) record(id string) string { return filepath.Join(o.dir, id+".json") }

// file is the nth content of a consignment.
func (o *outbox) file(id string, n int) string {
	return filepath.Join(o.dir, fmt.Sprintf("%s.%d", id, n))
}

// load gives the consignment of a delivery, nil if there is none yet.
func (o *outbox) load(id string) (*consignment, error) {
	b, err := os.ReadFile(o.record(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	c := &consignment{id: id}
	if err := json.Unmarshal(b, c); err != nil || c.State == "" {
		return nil, fmt.Errorf("read outbox: %s: %w", id, errDamaged)
	}
	return c, nil
}

// save makes the state durable.
func (o *outbox) save(c *consignment, state string) error {
	c.State, c.Since = state, time.Now().UTC()
	if state == done {
		o.dropFiles(c)
		c.Meta, c.Files = nil, nil
	}
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write outbox: %w", err)
	}
	if err := dropfolder.WriteSynced(o.record(c.id), b); err != nil {
		return fmt.Errorf("write outbox: %w", err)
	}
	return nil
}

// drop forgets a consignment, so that another try begins anew.
func (o *outbox) drop(c *consignment) error {
	o.dropFiles(c)
	if err := os.Remove(o.record(c.id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write outbox: %w", err)
	}
	return nil
}

func (o *outbox) dropFiles(c *consignment) {
	for n := range c.Files {
		_ = os.Remove(o.file(c.id, n)) // only takes room
	}
}

// add puts a content into the outbox, synced.
func (o *outbox) add(c *consignment, r io.Reader, f consignedFile) error {
	w, err := os.Create(o.file(c.id, len(c.Files)))
	if err != nil {
		return fmt.Errorf("write outbox: %w", err)
	}
	f.Size, err = io.Copy(w, r)
	if err == nil {
		err = w.Sync()
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write outbox: %w", err)
	}
	c.Files = append(c.Files, f)
	return nil
}

// container is what is sent; nil when the files are not what they were.
func (o *outbox) container(c *consignment) *wire.Container {
	var items []wire.Item
	for n, f := range c.Files {
		path := o.file(c.id, n)
		if info, err := os.Stat(path); err != nil || info.Size() != f.Size {
			return nil
		}
		item := wire.Item{ContentType: f.ContentType, Filename: f.Filename, Content: wire.Content{
			Size: f.Size, Open: func() (io.ReadCloser, error) { return reopen(path).Open() },
		}}
		if n == 0 && f.ContentType == "text/xml" {
			item.Encoding = "UTF-8"
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return nil
	}
	return &wire.Container{Message: items[0], Attachments: items[1:]}
}
