package open311

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
	"github.com/amtsbote/amtsbote/hub"
)

const unknownReport = "report-unknown"

// ending is how a report ended, out of an event about one of the portal's reports.
type ending struct {
	ID       string
	Rejected bool
	Notes    string
	At       string
}

func endingOf(e hub.Event) (*ending, error) {
	var d struct {
		Meldung     meldung `json:"meldung"`
		Hinweis     string  `json:"hinweis"`
		Geloest     string  `json:"geloest"`
		Geschlossen string  `json:"geschlossen"`
	}
	if e.Type() != typeSolved && e.Type() != typeRejected {
		return nil, hub.Permanent(unmappable, "the event is neither %s nor %s: nothing else is written to a portal", typeSolved, typeRejected)
	}
	if json.Unmarshal(e.Data(), &d) != nil || !idForm.MatchString(d.Meldung.ID) {
		return nil, hub.Permanent(unmappable, "the event lacks /meldung/id")
	}
	return &ending{d.Meldung.ID, e.Type() == typeRejected, d.Hinweis, d.Geloest + d.Geschlossen}, nil
}

// writeBack closes a report in the portal, once: a report that is closed already is
// left alone, and what was written is remembered on disk, so that a repetition does
// not close what was opened again since.
func (s *sink) writeBack(ctx context.Context, d hub.Delivery) error {
	end, err := endingOf(d.Event)
	if err != nil {
		return err
	}
	written := filepath.Join(s.set.Dir, "written", madeOf("stand", d.ID, d.Event.Source(), d.Event.ID()))
	if _, err := os.Stat(written); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return wrap("look up what was written", err)
	}
	if err := s.tidy(); err != nil {
		return err
	}
	r := &run{source: &source{set: s.set, client: s.client, log: s.log, now: s.now}}
	fields, err := r.request(ctx, end.ID)
	switch {
	case err != nil:
		return err
	case fields == nil:
		return hub.Permanent(unknownReport, "the portal has no report of the event's /meldung/id")
	case s.set.Details.state(fields["status"]) != geschlossen:
		if err := s.write(ctx, end, filepath.Base(written)); err != nil {
			return err
		}
		s.log.Info("open311: a report is closed in the portal", zap.String("delivery", d.ID))
	}
	if err := os.MkdirAll(filepath.Dir(written), dirMode); err != nil {
		return wrap("remember what was written", err)
	}
	return wrap("remember what was written", replace(written, nil))
}

func (s *sink) write(ctx context.Context, end *ending, updateID string) error {
	d := s.set.Details
	form, values := url.Values{}, d.WriteClosed
	if end.Rejected {
		values = d.WriteRejected
	}
	for name, value := range values {
		form.Set(name, value)
	}
	if end.Notes != "" && d.WriteNotes != "" {
		form.Set(d.WriteNotes, end.Notes)
	}
	path, method := []string{"requests", end.ID}, strings.ToUpper(d.Write)
	if d.Write == writeUpdate {
		path, method = []string{d.Updates}, "POST"
		form.Set("service_request_id", end.ID)
		form.Set("update_id", updateID)
		form.Set("updated_datetime", end.At)
	}
	if _, err := s.client.Send(ctx, method, form, path...); err != nil {
		e := georeport.ErrorOf(err)
		if e.Code == georeport.Unreadable && e.Status/100 == 2 {
			return nil // it was done; what the answer to an update holds is not specified
		}
		return e.Fault("write the status of a report")
	}
	return nil
}

// tidy forgets what was written long ago, once a day: where no source runs, nobody else
// does.
func (s *sink) tidy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); now.Sub(s.tidied).Abs() >= day {
		s.tidied = now
		return forgetWritten(s.set, now)
	}
	return nil
}

// forgetWritten removes marks of what was written long ago.
func forgetWritten(set *settings, now time.Time) error {
	dir := filepath.Join(set.Dir, "written")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrap("look through what was written", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.ModTime().Before(now.Add(-booksKept)) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return wrap("forget what was written", err)
		}
	}
	return nil
}
