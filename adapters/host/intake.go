package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// Intake is the hub's side of a source in its own process.
type Intake struct {
	Client *Client
	// Dir is where the source's State lies; it is made when it is missing.
	Dir    string
	Source hub.Source
}

var _ hub.Intake = (*Intake)(nil)

// Publish implements hub.Intake. An event that breaks its schema is stored all the same
// and rests in quarantine, as it does when the hub runs the adapter itself.
func (i *Intake) Publish(ctx context.Context, e hub.Event) error {
	if e.Context == nil {
		return hub.Permanent("not-acceptable", "no CloudEvent")
	}
	if e.Time().IsZero() {
		e = e.Clone()
		e.SetTime(time.Now().UTC())
	}
	wait, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := i.Client.request(wait, http.MethodPost, "/events", bytes.NewReader(e.Data()))
	if err != nil {
		return err
	}
	binary(req.Header, &e)
	resp, err := i.Client.do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusAccepted, http.StatusUnprocessableEntity:
	default:
		return fault(resp)
	}
	if l, ok := i.Source.(hub.Listener); ok {
		return l.Stored(ctx, hub.EventRef{Source: e.Source(), ID: e.ID(), Type: e.Type()})
	}
	return nil
}

// binary puts an event's attributes into headers (CloudEvents HTTP binding 1.0.2, 3.1),
// so that the bytes of its data stay as they are.
func binary(h http.Header, e *hub.Event) {
	put := func(name, value string) {
		if value != "" {
			h.Set("ce-"+name, percent(value))
		}
	}
	put("specversion", "1.0")
	put("id", e.ID())
	put("source", e.Source())
	put("type", e.Type())
	put("subject", e.Subject())
	put("dataschema", e.DataSchema())
	put("time", e.Time().Format(time.RFC3339Nano))
	for name, value := range e.Extensions() {
		put(name, fmt.Sprint(value))
	}
	h.Set("Content-Type", "application/json") // what is meant where an event says nothing (3.1.1)
	if t := e.DataContentType(); t != "" {
		h.Set("Content-Type", t)
	}
}

// percent encodes what may not stand in a header (3.1.3.2).
func percent(s string) string {
	var out strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '%' {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}

// State implements hub.Intake.
func (i *Intake) State() hub.State { return state(i.Dir) }

// Blobs implements hub.Intake.
func (i *Intake) Blobs() hub.Blobs { return uploads{i.Client} }

// uploads are the blobs of a source.
type uploads struct{ c *Client }

// Put implements hub.Blobs. The bytes are spooled to disk before they are sent, so that
// nobody holds the whole in memory and the hub learns how many there are.
func (u uploads) Put(ctx context.Context, r io.Reader) (hub.BlobRef, error) {
	spool, err := os.CreateTemp("", "amtsbote-blob-*")
	if err != nil {
		return hub.BlobRef{}, fmt.Errorf("spool a blob: %w", err)
	}
	defer func() { _ = spool.Close() }()
	if err := os.Remove(spool.Name()); err != nil { // nobody else needs its name
		return hub.BlobRef{}, fmt.Errorf("spool a blob: %w", err)
	}
	size, err := io.Copy(spool, r)
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		return hub.BlobRef{}, fmt.Errorf("spool a blob: %w", err)
	}
	req, err := u.c.request(ctx, http.MethodPost, "/blobs", io.NopCloser(spool))
	if err != nil {
		return hub.BlobRef{}, err
	}
	req.ContentLength = size
	if size == 0 {
		req.Body = http.NoBody
	}
	resp, err := u.c.do(req)
	if err != nil {
		return hub.BlobRef{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusCreated {
		return hub.BlobRef{}, fault(resp)
	}
	var ref struct {
		Ref    string `json:"ref"`
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&ref); err != nil {
		return hub.BlobRef{}, hub.Retryable("hub-answer", "read the hub's answer: %w", err)
	}
	return hub.BlobRef{Ref: ref.Ref, SHA256: ref.SHA256, Size: ref.Size}, nil
}

// Open implements hub.Blobs: the hub gives bytes only to who holds a delivery.
func (u uploads) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, hub.Permanent("blob-missing", "a source in its own process cannot open what it has put")
}
