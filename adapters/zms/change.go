package zms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/spool"
)

// find gives the process of an appointment, nil for none: by the externalUserId of what
// the sink reserved, else by what the source remembers. ZMS gives numbers anew: a
// process that is not certainly the one that is meant is none, so that nobody's
// appointment is touched by an order for another.
func (s *sink) find(ctx context.Context, id string) (*Observation, json.RawMessage, error) {
	seen, err := s.own(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	var e *entry
	if seen != nil {
		e = &entry{Observation: *seen}
	} else if e, err = s.remembered(id); err != nil || e == nil {
		return nil, nil, err
	}
	o, raw, err := s.client.process(ctx, e.Process)
	if err != nil {
		return nil, nil, eai.Fault("read the appointment", err)
	}
	if o == nil || !e.certainly(*o) {
		return nil, nil, nil
	}
	if seen != nil && o.Token == "" {
		o.Token = seen.Token
	}
	return o, raw, nil
}

// remembered looks for an appointment in the journal of the source.
func (s *sink) remembered(id string) (*entry, error) {
	entries, _, err := readJournal(filepath.Join(s.set.memory(), journalName))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.ID == id {
			return &e, nil
		}
	}
	return nil, nil //nolint:nilnil // none is no error
}

// confirm books what was reserved. A process that is booked already is not booked
// again.
func (s *sink) confirm(ctx context.Context, o order) (reply, error) {
	seen, raw, err := s.find(ctx, o.Termin.ID)
	if err != nil {
		return reply{}, err
	}
	switch {
	case seen == nil:
		return s.refuse(o, unknown)
	case slices.Contains(booked, seen.Status):
		return reply{Seen: seen, Cause: o.cause}, nil
	case seen.Status != reserved && seen.Status != preconfirmed:
		return s.refuse(o, expired)
	}
	// The process goes back as it came, with the authKey that ZMS asks for. It is kept
	// nowhere.
	e, err := s.client.do(ctx, call{method: http.MethodPost, path: []string{"process", "status", "confirmed"}, query: resolved, body: raw})
	if status(err) == http.StatusNotFound && e != nil {
		return s.refuse(o, expired)
	}
	if err != nil {
		return reply{}, eai.Fault("book the appointment", err)
	}
	return s.outcome(e, o, seen)
}

// cancel deletes the process. One that is deleted already is told as cancelled.
func (s *sink) cancel(ctx context.Context, o order) (reply, error) {
	seen, _, err := s.find(ctx, o.Termin.ID)
	if err != nil {
		return reply{}, err
	}
	switch {
	case seen == nil:
		return s.gone(o)
	case slices.Contains(cancelled, seen.Status):
		return reply{Seen: seen, Cause: o.cause}, nil
	case !slices.Contains([]string{reserved, preconfirmed, confirmed, queued}, seen.Status):
		return s.refuse(o, notPossible)
	}
	// Written down before: another attempt finds nothing any more in ZMS.
	if err := s.begin(o, *seen); err != nil {
		return reply{}, err
	}
	e, err := s.client.do(ctx, call{method: http.MethodDelete, path: []string{"process", seen.Process}})
	switch code := status(err); {
	case code == http.StatusNotFound && e != nil:
		seen.Status, seen.Ordered = deleted, s.now().Unix() // somebody else was faster
		return reply{Seen: seen, Cause: o.cause}, nil
	case code == http.StatusNotAcceptable && e != nil:
		return s.refuse(o, notPossible)
	case err != nil:
		return reply{}, eai.Fault("cancel the appointment", err)
	}
	a, err := s.outcome(e, o, seen)
	if err == nil && a.Seen != nil {
		a.Seen.Status = deleted // the answer to a deletion may still have the old one
	}
	return a, err
}

// begin remembers what an order is about to delete. The desk forgets it with the
// other marks.
func (s *sink) begin(o order, seen Observation) error {
	raw, err := json.Marshal(seen)
	if err == nil {
		err = spool.Private(s.mark(o), raw)
	}
	if err != nil {
		return fmt.Errorf("remember what is cancelled: %w", err)
	}
	return nil
}

func (s *sink) mark(o order) string {
	return filepath.Join(s.set.answers(), "gefragt", o.id+".absage")
}

// gone answers a cancellation of what ZMS does not have any more: an earlier attempt
// has deleted it, or somebody else.
func (s *sink) gone(o order) (reply, error) {
	raw, err := os.ReadFile(s.mark(o))
	if errors.Is(err, fs.ErrNotExist) {
		return s.refuse(o, unknown)
	}
	var seen Observation
	if err == nil {
		err = json.Unmarshal(raw, &seen)
	}
	if err != nil {
		return reply{}, errors.New("look up what was cancelled: its mark cannot be read")
	}
	seen.Status, seen.Ordered = deleted, s.now().Unix()
	return reply{Seen: &seen, Cause: o.cause}, nil
}

// outcome is what ZMS has after an order was carried out. Where its answer does not say
// when (the recorded ones have no lastChange), it is now, and not when the process was
// changed before.
func (s *sink) outcome(e *envelope, o order, before *Observation) (reply, error) {
	seen, _, err := e.process()
	if err != nil {
		return reply{}, eai.Fault("read what came of the order", err)
	}
	if seen.Process != before.Process {
		return reply{}, eai.Fault("read what came of the order", eai.BadAnswer("the answer is another process"))
	}
	after := keep(&entry{Observation: *before}, *seen)
	if seen.Changed == 0 {
		after.Ordered = s.now().Unix()
	}
	return reply{Seen: &after, Cause: o.cause}, nil
}
