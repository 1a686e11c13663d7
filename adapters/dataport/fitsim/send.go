package fitsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

const maxBody = 64 << 20

// announce begins a submission.
func (s *Server) announce(w http.ResponseWriter, r *http.Request, client string) {
	var body struct {
		Destination string   `json:"destinationId"`
		Announced   []string `json:"announcedAttachments"`
		Case        string   `json:"caseId"`
		Region      string   `json:"region"`
		Service     struct {
			Identifier string `json:"identifier"`
			Name       string `json:"name"`
		} `json:"publicService"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil {
		problem(w, http.StatusBadRequest, "syntax")
		return
	}
	m := &submission{
		destination: strings.ToLower(body.Destination), theCase: body.Case, region: body.Region, announced: body.Announced,
		service: body.Service.Identifier, serviceName: body.Service.Name, by: client,
	}
	switch d, known := s.opt.Destinations[m.destination]; {
	case !known:
		problem(w, http.StatusNotFound, "destination-not-found")
	case m.theCase != "" && !s.adds(m):
		problem(w, http.StatusNotFound, "case-not-found")
	case len(d.Services) > 0 && !slices.Contains(d.Services, m.service):
		problem(w, http.StatusUnprocessableEntity, "service-not-offered")
	default:
		s.begin(m)
		answer(w, http.StatusCreated, map[string]string{"submissionId": m.id, "caseId": m.theCase, "destinationId": m.destination})
	}
}

// owner of a case: its destination, and the client that began it.
type owner struct{ destination, by string }

// adds says whether a submission may be added to the case that it names.
func (s *Server) adds(m *submission) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cases[m.theCase] == owner{m.destination, m.by}
}

// begin gives a submission its ids.
func (s *Server) begin(m *submission) {
	m.files, m.created = map[string]string{}, time.Now()
	if m.id == "" {
		m.id = uuid.NewString()
	}
	m.tags.Attachments = map[string]string{}
	if m.theCase == "" {
		m.theCase = uuid.NewString()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.submissions = append(s.submissions, m)
	if _, known := s.cases[m.theCase]; !known {
		s.cases[m.theCase] = owner{m.destination, m.by}
	}
	s.log(m, fit.CreateSubmission, fit.Payload{}, s.opt.Key)
}

func (s *Server) putAttachment(w http.ResponseWriter, r *http.Request, _ string) {
	id := r.PathValue("attachment")
	s.mu.Lock()
	m := s.find(r.PathValue("id"))
	known := m != nil && m.submitted.IsZero() && slices.Contains(m.announced, id) && fit.IsUUID(id)
	s.mu.Unlock()
	if !known {
		problem(w, http.StatusNotFound, "attachment-not-announced")
		return
	}
	err := s.keep(m, id, func(w io.Writer) (string, error) {
		_, err := io.Copy(w, r.Body)
		return "", err
	})
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid-jwe")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// keep writes an attachment into a file and learns its tag, from who writes it or
// from the file.
func (s *Server) keep(m *submission, id string, write func(io.Writer) (string, error)) (err error) {
	f, err := os.Create(filepath.Join(s.opt.Dir, m.id+"-"+id)) //nolint:gosec // both are UUIDs
	if err != nil {
		return fmt.Errorf("keep attachment: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	tag, err := write(f)
	if err != nil {
		return fmt.Errorf("keep attachment: %w", err)
	}
	if tag == "" {
		info, err := f.Stat()
		if err != nil {
			return fmt.Errorf("keep attachment: %w", err)
		}
		j, err := fit.ReadJWE(f, info.Size())
		if err != nil {
			return fmt.Errorf("keep attachment: %w", err)
		}
		tag = j.Tag
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.files[id], m.tags.Attachments[id] = f.Name(), tag
	return nil
}

// putSubmission ends the sending: both parts must say their kind (cty).
func (s *Server) putSubmission(w http.ResponseWriter, r *http.Request, _ string) {
	var body struct {
		Metadata string `json:"encryptedMetadata"`
		Data     string `json:"encryptedData"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body); err != nil {
		problem(w, http.StatusBadRequest, "syntax")
		return
	}
	metadata, err1 := fit.ReadJWE(strings.NewReader(body.Metadata), int64(len(body.Metadata)))
	data, err2 := fit.ReadJWE(strings.NewReader(body.Data), int64(len(body.Data)))
	if errors.Join(err1, err2) != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid-jwe")
		return
	}
	if metadata.Header.ContentType == "" || data.Header.ContentType == "" {
		problem(w, http.StatusUnprocessableEntity, "invalid-jwe-header-cty")
		return
	}
	s.mu.Lock()
	m := s.find(r.PathValue("id"))
	complete := m != nil && m.submitted.IsZero() && len(m.files) == len(m.announced)
	if complete {
		m.metadata, m.data, m.tags.Metadata, m.tags.Data = body.Metadata, body.Data, metadata.Tag, data.Tag
		if r.Context().Value(tagsKey{}) != nil {
			m.tags.Data = metadata.Tag
		}
		s.finish(m, s.opt.Key)
	}
	s.mu.Unlock()
	if m == nil {
		problem(w, http.StatusNotFound, "submission-not-found")
		return
	}
	if !complete {
		problem(w, http.StatusUnprocessableEntity, "submission-incomplete")
		return
	}
	s.call(m)
	answer(w, http.StatusOK, map[string]string{"submissionId": m.id, "caseId": m.theCase})
}

// finish hands a submission over; the caller has the lock.
func (s *Server) finish(m *submission, by fit.PrivateKey) {
	m.submitted = time.Now()
	tags := m.tags
	s.log(m, fit.SubmitSubmission, fit.Payload{Tags: &tags}, by)
	s.log(m, fit.NotifySubmission, fit.Payload{}, s.opt.Key)
}
