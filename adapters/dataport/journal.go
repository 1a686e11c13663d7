package dataport

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// step is how far a submission has come.
type step string

const (
	fresh      step = ""           // nothing was done that lasts
	publishing step = "publishing" // the hub may have it
	isStored   step = "stored"     // the hub has it
	due        step = "due"        // it may be accepted
	accepted   step = "accepted"   // the service knows
	aside      step = "aside"      // it cannot become an event; a person must look at it
	rejecting  step = "rejecting"  // it is to be rejected
	rejected   step = "rejected"   // the service knows, or rejected it itself
)

// record is what is remembered of a submission, in the source's State under its
// id; nothing of its content. It is kept, so that a settlement that comes again
// finds it.
type record struct {
	Step step   `json:"step"`
	Case string `json:"case,omitempty"`
	// Tags is the digest of the authentication tags of what the hub has.
	Tags string `json:"tags,omitempty"`
	// At is when it was submitted, or as long as that is not known, first seen.
	At        time.Time `json:"at,omitzero"`
	Forwarded bool      `json:"forwarded,omitempty"`
	Refusal   *refusal  `json:"refusal,omitempty"`
	// As is how the event was composed, before the hub could have it: what settings
	// have since become does not make another event of it.
	As *form `json:"as,omitempty"`
}

// form is what settings made of a submission; all else follows from its content.
type form struct {
	Type   string `json:"type"`
	Source string `json:"source"`
	AGS    string `json:"ags,omitempty"`
	Limits limits `json:"limits"` // within which it was
	// Mapped is the digest of what mappings made, "" where none did; Huelle what stands
	// beside it.
	Mapped string   `json:"mapped,omitempty"`
	Huelle []string `json:"huelle,omitempty"`
}

// source is the source of the event.
func (r *record) source(otherwise string) string {
	if r.As != nil {
		return r.As.Source
	}
	return otherwise
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// withHub says whether the hub, or an application, may have the event.
func (r *record) withHub() bool {
	return r.Tags != "" || r.Step == publishing || r.Step == isStored || r.Step == due
}

func stateKey(submission string) string { return "fit." + submission }

func (s *source) load(ctx context.Context, submission string) (record, error) {
	var r record
	if err := s.running(ctx); err != nil {
		return r, err
	}
	raw, err := s.state.Get(ctx, stateKey(submission))
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read what is remembered: %w", err)
	}
	return r, nil
}

// startTime is how long a settlement waits for the source to begin.
const startTime = 10 * time.Second

// running waits for Run, which brings the state.
func (s *source) running(ctx context.Context) error {
	select {
	case <-s.begun:
		return nil
	default:
	}
	late := time.NewTimer(startTime)
	defer late.Stop()
	select {
	case <-s.begun:
		return nil
	case <-late.C:
		return hub.Retryable("fit-not-running", "the source has not begun yet")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// change reads, changes and stores a record; nobody comes in between.
func (s *source) change(ctx context.Context, submission string, do func(*record)) (record, error) {
	s.journal.Lock()
	defer s.journal.Unlock()
	r, err := s.load(ctx, submission)
	if err != nil {
		return r, err
	}
	before, _ := json.Marshal(r)
	do(&r)
	raw, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("remember: %w", err)
	}
	if string(raw) == string(before) {
		return r, nil
	}
	if err := s.state.Put(ctx, stateKey(submission), raw); err != nil {
		return r, fmt.Errorf("remember: %w", err)
	}
	return r, nil
}
