package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// State is what a webhook remembers over restarts.
type State struct {
	// URL that all else is about; another one begins anew.
	URL string `json:"url"`
	// Consent of the receiver; nil: none yet.
	Consent *Consent `json:"consent,omitempty"`
	// Asked is when it was last asked, Refusals how often in a row in vain.
	Asked    time.Time `json:"asked,omitzero"`
	Refusals int       `json:"refusals,omitempty"`
	// Key lets the receiver consent by callback; "" when none is awaited.
	Key string `json:"key,omitempty"`
	// Halt is why nothing is sent until a person resumes; nil: it goes.
	Halt *Halt `json:"halt,omitempty"`
	// Until is when the receiver wants to be asked again (Retry-After).
	Until time.Time `json:"until,omitzero"`
	// PutOff is since when it asks for that, while nothing gets through; nil: it goes.
	PutOff *PutOff `json:"putOff,omitempty"`
	// Trouble is what fails, while nothing gets through; nil: it goes.
	Trouble *Trouble `json:"trouble,omitempty"`
}

// Consent is what a receiver has allowed (webhook specification, section 4).
type Consent struct {
	At   time.Time `json:"at"`
	Rate int       `json:"rate,omitempty"` // requests a minute; 0: no limit
	How  string    `json:"how"`            // options, callback
}

// Halt is a stop that only a person ends.
type Halt struct {
	Why    string    `json:"why"` // HaltGone, HaltPaused
	At     time.Time `json:"at"`
	Who    string    `json:"who,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Why deliveries are halted.
const (
	HaltGone   = "gone"   // the receiver answered 410
	HaltPaused = "paused" // a person did it
)

// Trouble is a row of failures without a success.
type Trouble struct {
	Since    time.Time `json:"since"`
	Failures int       `json:"failures"`
	Code     string    `json:"code"` // of the last
	// Paused: only single deliveries go out as probes, the next at Probe.
	Paused bool      `json:"paused,omitempty"`
	Probe  time.Time `json:"probe,omitzero"`
}

// PutOff is a row of answers that ask to wait, without a success.
type PutOff struct {
	Since time.Time `json:"since"`
	Told  bool      `json:"told,omitempty"` // the contact was
}

// Store keeps values over restarts; it is synced when Put returns. Get returns
// nil, nil for an unknown key.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, value []byte) error
}

func stateKey(application string) string { return "webhook." + application }

// ReadState gives what the webhook of an application remembers; nil when it has
// not run yet.
func ReadState(ctx context.Context, store Store, application string) (*State, error) {
	raw, err := store.Get(ctx, stateKey(application))
	if err != nil || raw == nil {
		return nil, err
	}
	var s State
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("the state of the webhook of %s: %w", application, err)
	}
	return &s, nil
}

// Unhalt forgets that a person has paused the webhook of an application, which must not
// run.
func Unhalt(ctx context.Context, store Store, application string) error {
	s, err := ReadState(ctx, store, application)
	if err != nil || s == nil || s.Halt == nil || s.Halt.Why != HaltPaused {
		return err
	}
	s.Halt = nil
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return store.Put(ctx, stateKey(application), raw)
}

// clone is a copy that shares nothing.
func (s *State) clone() *State {
	raw, _ := json.Marshal(s) // strings, numbers and times
	var out State
	_ = json.Unmarshal(raw, &out)
	return &out
}

// load begins with what was remembered.
func (h *Hook) load(ctx context.Context) error {
	s, err := ReadState(ctx, h.Store, h.Application)
	if err != nil {
		return err
	}
	if s == nil {
		s = &State{}
	}
	if s.URL != h.Webhook.URL {
		halt := s.Halt
		if halt != nil && halt.Why == HaltGone {
			halt = nil // that was the other one
		}
		s = &State{URL: h.Webhook.URL, Halt: halt}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state, h.loaded = s, true
	h.pace.rate(h.state.rate(h.Webhook.Rate))
	return nil
}

// rate is how many requests a minute may go out: what the receiver has allowed, and no
// more than the directory wants now; 0 is no limit.
func (s *State) rate(wanted int) int {
	if s.Consent == nil {
		return 1
	}
	if s.Consent.Rate == 0 || wanted == 0 {
		return max(s.Consent.Rate, wanted)
	}
	return min(s.Consent.Rate, wanted)
}

// save stores what has changed.
func (h *Hook) save(ctx context.Context) error {
	h.saving.Lock()
	defer h.saving.Unlock()
	h.mu.Lock()
	dirty, now := h.dirty, h.state.clone()
	h.dirty = false
	h.mu.Unlock()
	if !dirty {
		return nil
	}
	raw, err := json.Marshal(now)
	if err == nil {
		err = h.Store.Put(ctx, stateKey(h.Application), raw)
	}
	if err != nil {
		h.mu.Lock()
		h.dirty = true
		h.mu.Unlock()
	}
	return err
}
