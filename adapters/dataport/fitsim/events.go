package fitsim

import (
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// log adds a SET of the service; the caller has the lock.
func (s *Server) log(m *submission, event string, payload fit.Payload, by fit.PrivateKey) {
	if s.opt.Quiet && (event == fit.CreateSubmission || event == fit.NotifySubmission) {
		return
	}
	compact, err := fit.SET{
		Schema: fit.DefaultSetSchema, Issuer: s.opt.Base, Subject: fit.Submission(m.id), Case: m.theCase, Event: event, Payload: payload,
	}.Sign(by)
	if err == nil { // a key that was generated can sign
		s.logs[m.theCase] = append(s.logs[m.theCase], compact)
	}
}

func (s *Server) readEvents(w http.ResponseWriter, r *http.Request, client string) {
	s.mu.Lock()
	log := slices.Clone(s.logs[r.PathValue("id")])
	of, known := s.cases[r.PathValue("id")] // it outlives what was begun in it and forgotten
	s.mu.Unlock()
	sender := len(s.opt.Clients[client].Destinations) == 0
	if !known || sender && of.by != client {
		problem(w, http.StatusNotFound, "case-not-found")
		return
	}
	if !sender && !s.linked(w, client, of.destination) {
		return
	}
	answer(w, http.StatusOK, map[string]any{"eventLog": log})
}

// issuer is the one destination that may speak about a submission.
type issuer struct {
	id  string
	key fit.PublicKey
}

// Key implements fit.Issuers.
func (i issuer) Key(_ context.Context, name, keyID string) (*rsa.PublicKey, error) {
	if strings.EqualFold(name, i.id) && keyID == i.key.ID {
		return i.key.Key, nil
	}
	return nil, fit.ErrSET
}

// postEvent takes a SET of the destination.
func (s *Server) postEvent(w http.ResponseWriter, r *http.Request, client string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || r.Header.Get("Content-Type") != "application/jose" {
		problem(w, http.StatusUnsupportedMediaType, "unsupported-media-type")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	theCase := r.PathValue("id")
	i := slices.IndexFunc(s.submissions, func(m *submission) bool { return m.theCase == theCase })
	if i < 0 {
		problem(w, http.StatusNotFound, "case-not-found")
		return
	}
	destination := s.submissions[i].destination
	if !s.linked(w, client, destination) {
		return
	}
	if name := s.said(r.Context(), destination, theCase, string(body)); name != "" {
		problem(w, http.StatusUnprocessableEntity, name)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// said takes a SET of a destination, or names what is wrong with it; the caller has
// the lock.
func (s *Server) said(ctx context.Context, destination, theCase, compact string) string {
	set, err := fit.VerifySET(ctx, compact, issuer{destination, s.opt.Destinations[destination].Signature})
	if err != nil || set.Case != theCase {
		return "invalid-set"
	}
	return s.enter(set, compact)
}

// Receiver plays the destination of a submission: it says an event about it, signed
// with the destination's key, as the receiver's own system would.
func (s *Server) Receiver(submission, event string, problems []fit.Problem, key fit.PrivateKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.find(submission)
	if m == nil {
		return errors.New("there is no such submission")
	}
	set := fit.SET{Issuer: m.destination, Subject: fit.Submission(m.id), Case: m.theCase, Event: event}
	switch {
	case event == fit.AcceptSubmission:
		tags := m.tags
		set.Schema, set.Payload.Tags = fit.DefaultSetSchema, &tags
	case problems != nil:
		set.Schema, set.Payload.Problems = fit.DefaultSetSchema, problems
	}
	compact, err := set.Sign(key)
	if err != nil {
		return err
	}
	if name := s.said(context.Background(), m.destination, m.theCase, compact); name != "" {
		return errors.New(name)
	}
	return nil
}

// enter applies a SET, or names what is wrong with it.
func (s *Server) enter(set *fit.SET, compact string) string {
	m := s.find(strings.TrimPrefix(set.Subject, "submission:"))
	switch {
	case m == nil || m.theCase != set.Case || m.submitted.IsZero():
		return "submission-not-found"
	case m.ended != "":
		return "submission-already-ended"
	case strings.Contains(set.Schema, "/1.0.0/"):
		return "payload-schema-not-supported"
	}
	switch set.Event {
	case fit.AcceptSubmission:
		if set.Schema == "" || set.Payload.Tags == nil || set.Payload.Tags.Digest() != m.tags.Digest() {
			return "authentication-tags-mismatch"
		}
		m.ended = set.Event
	case fit.RejectSubmission:
		if set.Schema == "" || len(set.Payload.Problems) == 0 || !strings.HasPrefix(set.Payload.Problems[0].Type, fit.ProblemPrefix) {
			return "problems-missing"
		}
		m.ended = set.Event
	case fit.ForwardSubmission:
	default:
		return "event-not-allowed"
	}
	s.logs[m.theCase] = append(s.logs[m.theCase], compact)
	return ""
}

// Log gives the events of a submission, by their names, in order.
func (s *Server) Log(id string) []string {
	var names []string
	for _, set := range s.SETs(id) {
		names = append(names, set.Event)
	}
	return names
}

// SETs gives what the event log says of a submission, in order.
func (s *Server) SETs(id string) (all []*fit.SET) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	m := s.find(id)
	if m == nil {
		return nil
	}
	keys := known{issuer{m.destination, s.opt.Destinations[m.destination].Signature}, issuer{s.opt.Base, s.opt.Key.Public()}}
	for _, compact := range s.logs[m.theCase] {
		if set, err := fit.VerifySET(context.Background(), compact, keys); err == nil && set.Subject == fit.Submission(id) {
			all = append(all, set)
		}
	}
	return all
}

type known []issuer

// Key implements fit.Issuers.
func (k known) Key(ctx context.Context, name, keyID string) (*rsa.PublicKey, error) {
	for _, i := range k {
		if key, err := i.Key(ctx, name, keyID); err == nil {
			return key, nil
		}
	}
	return nil, fit.ErrSET
}

// Deadlines of the service, in days.
const (
	incompleteDays = 1
	rejectDays     = 14
	deleteDays     = 21
)

// expire does what the deadlines demand; the caller has the lock.
func (s *Server) expire() {
	now := time.Now()
	s.submissions = slices.DeleteFunc(s.submissions, func(m *submission) bool {
		return m.submitted.IsZero() && now.Sub(m.created) > incompleteDays*s.opt.Day
	})
	for _, m := range s.submissions {
		switch {
		case m.submitted.IsZero():
		case m.ended == "" && now.Sub(m.submitted) >= rejectDays*s.opt.Day:
			m.ended = fit.RejectSubmission
			s.log(m, fit.RejectSubmission, fit.Payload{Problems: []fit.Problem{{
				Type: fit.ProblemPrefix + "timeout", Title: "Nicht rechtzeitig abgeholt", Detail: "automatisch", Instance: "submission",
			}}}, s.opt.Key)
		case m.ended == fit.RejectSubmission && m.metadata != "" && now.Sub(m.submitted) >= deleteDays*s.opt.Day:
			m.metadata, m.data = "", ""
			s.log(m, fit.DeleteSubmission, fit.Payload{}, s.opt.Key)
		}
	}
}
