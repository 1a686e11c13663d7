package quarantine

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Work is who looks after an event or a group, until when, and what was noted. That of
// an event goes with it.
type Work struct {
	Owner string    `json:"owner,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Due   string    `json:"due,omitempty"` // a day, 2026-12-31
	Notes []Note    `json:"notes,omitempty"`
}

// Note is what somebody has written down. It stands here alone, not in the trail.
type Note struct {
	Who  string    `json:"who"`
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// maxNotes is how many notes are kept; the oldest go.
const maxNotes = 20

// What is done to a Work.
const (
	WorkTake = "take" // it is the person's now
	WorkHand = "hand" // it is somebody else's (To)
	WorkDue  = "due"  // it is to be done by a day (Due); "" takes that back
	WorkNote = "note"
)

// WorkRequest changes a Work.
type WorkRequest struct {
	Name          string // WorkOfEvent, WorkOfGroup
	Application   string
	Do            string
	To, Due, Text string
	Who           string
}

// WorkOfEvent names the work on an event in quarantine.
func WorkOfEvent(seq uint64) string { return strconv.FormatUint(seq, 10) }

// WorkOfGroup names the work on all of an application with one reason.
func WorkOfGroup(application string, code refusal.Code) string {
	return decision.MailboxName(application) + "_" + code.Token()
}

func workKey(name string) string { return "klaerung." + name }

// ReadWork gives the work on an event or a group; the zero value when there is none.
func ReadWork(ctx context.Context, s *bus.Store, name string) (w Work, err error) {
	raw, err := s.Get(ctx, workKey(name))
	if err != nil || len(raw) == 0 {
		return w, err
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return w, fmt.Errorf("read the work on %s: %w", name, err)
	}
	return w, nil
}

// Work changes who looks after an event or a group. That is in the trail before it is
// so, without the text of a note.
func (c *Clerk) Work(ctx context.Context, r WorkRequest) error {
	if IsPersonal(r.Text) || IsPersonal(r.To) {
		return &NotDone{Why: Personal}
	}
	c.work.Lock()
	defer c.work.Unlock()
	if seq, err := strconv.ParseUint(r.Name, 10, 64); err == nil {
		c.acting.Lock() // nobody takes the event away meanwhile: what is noted goes with it
		defer c.acting.Unlock()
		m, err := c.Bus.Get(ctx, bus.Quarantine, seq)
		if err != nil {
			return err
		}
		if _, lies := Read(m); !lies {
			return &NotDone{Why: Gone}
		}
	}
	w, err := ReadWork(ctx, c.Store, r.Name)
	if err != nil {
		return err
	}
	if err := c.apply(&w, &r); err != nil {
		return err
	}
	what := map[string]string{WorkTake: r.Do, WorkHand: r.Do + " " + r.To, WorkDue: r.Do + " " + r.Due, WorkNote: r.Do}[r.Do]
	m, err := trail.Act(&decision.Act{Act: decision.ActWork, Application: r.Application, Key: r.Name, Who: r.Who, Reason: what, At: c.Now().UTC()})
	if err != nil {
		return err
	}
	if _, err := c.Bus.AppendUnguarded(ctx, []event.Message{m}); err != nil {
		return fmt.Errorf("record the work on something in quarantine: %w", err)
	}
	raw, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return c.Store.Put(ctx, workKey(r.Name), raw)
}

func (c *Clerk) apply(w *Work, r *WorkRequest) error {
	now := c.Now().UTC().Truncate(time.Second)
	switch r.Do {
	case WorkTake:
		w.Owner, w.Since = r.Who, now
	case WorkHand:
		w.Owner, w.Since = r.To, now
	case WorkDue:
		if _, err := time.Parse(time.DateOnly, r.Due); err != nil && r.Due != "" {
			return fmt.Errorf("a due date: %w", err)
		}
		w.Due = r.Due
	case WorkNote:
		w.Notes = append(w.Notes, Note{r.Who, now, r.Text})
		w.Notes = w.Notes[max(0, len(w.Notes)-maxNotes):]
	default:
		return fmt.Errorf("nothing that is done to work: %q", r.Do)
	}
	return nil
}

func organisationOf(application string) string {
	org, _, _ := strings.Cut(application, ".")
	return org
}
