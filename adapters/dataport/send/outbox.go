package send

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
)

// state is how far a submission has come. Each is on disk before what follows it
// is tried.
type state string

const (
	packed     state = "packed"     // all is encrypted, in files; the service knows nothing
	announced  state = "announced"  // it has its id; attachments go up
	submitting state = "submitting" // the service may have it, or not
	sent       state = "sent"       // the service has it; the source follows it
	done       state = "done"       // it has ended, and all of it was told
)

// record is what is remembered of a submission, by Delivery.ID; once the service has
// it, nothing of its content.
type record struct {
	State       state     `json:"state"`
	Since       time.Time `json:"since"` // of the state
	Destination string    `json:"destination"`
	Service     string    `json:"service"`
	Name        string    `json:"name"`
	Region      string    `json:"region,omitempty"`
	Attachments []sealed  `json:"attachments,omitempty"`
	Uploaded    int       `json:"uploaded,omitempty"` // attachments that the service has
	Tried       int       `json:"tried,omitempty"`    // attachments of which an upload was tried
	Again       bool      `json:"again,omitempty"`    // it was begun anew after a refusal
	Packing     string    `json:"packing,omitempty"`  // what it was encrypted for, see packing
	Submission  string    `json:"submission,omitempty"`
	Case        string    `json:"case,omitempty"`
	// Sealed is when metadata and data were encrypted; Tags are those of each time,
	// the last of what lies in the files.
	Sealed time.Time   `json:"sealed"`
	Tags   [][2]string `json:"tags,omitempty"`

	Event about    `json:"event"`
	Told  []string `json:"told,omitempty"` // ids of the events that tell of it
	// Missing is since when the service says that it has no such case; nil: it has it.
	Missing *time.Time `json:"missing,omitempty"`

	id       string // Delivery.ID, and what tells parcels apart
	unclear  bool   // an earlier try to submit had no answer
	repeated bool   // the upload that is made was tried before
}

// about is the event that is sent, as far as those that tell of it name it.
type about struct {
	ID          string `json:"id"`
	Subject     string `json:"subject"`
	Correlation string `json:"correlationid,omitempty"`
	AGS         string `json:"ags,omitempty"`
}

// sealed is an attachment that was encrypted. All but ID and Tag is of its content,
// and goes when the service has it.
type sealed struct {
	ID          string `json:"id"`
	SHA512      string `json:"sha512,omitempty"`
	Size        int64  `json:"size,omitempty"` // of the plaintext
	Tag         string `json:"tag"`
	Filename    string `json:"filename,omitempty"`
	MediaType   string `json:"mediaType,omitempty"`
	Purpose     string `json:"purpose,omitempty"`
	Description string `json:"description,omitempty"`
}

// is says whether tags are those of one of the tries.
func (r *record) is(t *fit.Tags) bool {
	if t == nil || len(t.Attachments) != len(r.Attachments) {
		return false
	}
	for _, a := range r.Attachments {
		if tag, there := t.Attachment(a.ID); !there || !fit.SameTag(tag, a.Tag) {
			return false
		}
	}
	for _, one := range r.Tags {
		if fit.SameTag(one[0], t.Metadata) && fit.SameTag(one[1], t.Data) {
			return true
		}
	}
	return false
}

// outbox keeps the records, and what is encrypted until the service has it.
type outbox struct {
	records, work string
	remember      time.Duration
}

func openOutbox(dir string, remember time.Duration) (*outbox, error) {
	o := &outbox{records: filepath.Join(dir, "out"), work: filepath.Join(dir, "work"), remember: remember}
	for _, d := range []string{o.records, o.work} {
		if err := errors.Join(os.MkdirAll(d, 0o700), os.Chmod(d, 0o700)); err != nil { //nolint:gosec // a directory
			return nil, fmt.Errorf("make outbox: %w", err)
		}
	}
	return o, nil
}

func (o *outbox) path(id string) string { return filepath.Join(o.records, id+".json") }

// files is where the encrypted parts of a submission lie. Ids may be "..".
func (o *outbox) files(id string) string { return filepath.Join(o.work, "x"+id) }

func (o *outbox) metadata(id string) string { return filepath.Join(o.files(id), "metadaten") }
func (o *outbox) data(id string) string     { return filepath.Join(o.files(id), "daten") }
func (o *outbox) attachment(id string, n int) string {
	return filepath.Join(o.files(id), fmt.Sprintf("%d", n))
}

// errDamaged says that a record cannot be understood.
var errDamaged = errors.New("the record in out/ is damaged")

// load gives a record, a new one where there is none.
func (o *outbox) load(id string) (*record, error) {
	r := &record{id: id}
	raw, err := os.ReadFile(o.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	if err := json.Unmarshal(raw, r); err != nil || r.State == "" {
		return nil, fmt.Errorf("read outbox: %w", errDamaged)
	}
	return r, nil
}

// save makes a state durable; then what it does not need any more goes.
func (o *outbox) save(r *record, s state) error {
	if r.State != s {
		r.State, r.Since = s, time.Now().UTC()
	}
	if s == sent || s == done {
		for i, a := range r.Attachments {
			r.Attachments[i] = sealed{ID: a.ID, Tag: a.Tag}
		}
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write outbox: %w", err)
	}
	if err := errors.Join(dropfolder.WriteSynced(o.path(r.id), raw), os.Chmod(o.path(r.id), 0o600)); err != nil {
		return fmt.Errorf("write outbox: %w", err)
	}
	if s == sent || s == done {
		_ = os.RemoveAll(o.files(r.id)) // only takes room
	}
	return nil
}

// drop forgets a submission that the service does not have.
func (o *outbox) drop(r *record) error {
	if err := os.Remove(o.path(r.id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write outbox: %w", err)
	}
	_ = os.RemoveAll(o.files(r.id)) // only takes room
	*r = record{id: r.id}
	return nil
}

// whole says whether what is to be sent is still there.
func (o *outbox) whole(r *record) bool {
	files := []string{o.metadata(r.id), o.data(r.id)}
	for n := range r.Attachments {
		files = append(files, o.attachment(r.id, n))
	}
	for _, f := range files {
		if _, err := os.Stat(f); err != nil {
			return false
		}
	}
	return true
}

// ids gives the ids of all records.
func (o *outbox) ids() ([]string, error) {
	entries, err := os.ReadDir(o.records)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	var all []string
	for _, e := range entries {
		if id, is := strings.CutSuffix(e.Name(), ".json"); is {
			all = append(all, id)
		}
	}
	return all, nil
}
