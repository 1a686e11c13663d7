package fitsim

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// submission that was announced, or submitted.
type submission struct {
	id, theCase, destination string
	service, serviceName     string
	region                   string
	by                       string // client that announced it; "": the citizen
	announced                []string
	files                    map[string]string // of attachments, by id
	metadata, data           string
	tags                     fit.Tags
	created                  time.Time
	submitted                time.Time // zero: not yet
	ended                    string    // the event that ended it
}

// visible says whether a submission can still be read.
func (m *submission) visible() bool { return !m.submitted.IsZero() && m.ended == "" }

func (s *Server) find(id string) *submission {
	i := slices.IndexFunc(s.submissions, func(m *submission) bool { return m.id == id })
	if i < 0 {
		return nil
	}
	return s.submissions[i]
}

// readable gives a submission to a client that may read it.
func (s *Server) readable(w http.ResponseWriter, r *http.Request, client string) (submission, bool) {
	s.mu.Lock()
	m := s.find(r.PathValue("id"))
	var found submission
	if m != nil && m.visible() {
		found = *m
	}
	s.mu.Unlock()
	if found.id == "" {
		problem(w, http.StatusNotFound, "submission-not-found")
		return found, false
	}
	return found, s.linked(w, client, found.destination)
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, client string) {
	q := r.URL.Query()
	offset, err1 := strconv.Atoi(q.Get("offset"))
	limit, err2 := strconv.Atoi(q.Get("limit"))
	if errors.Join(err1, err2) != nil || offset < 0 || limit < 1 || limit > 500 {
		problem(w, http.StatusBadRequest, "invalid-paging")
		return
	}
	destination := q.Get("destinationId")
	if !s.linked(w, client, destination) {
		return
	}
	s.mu.Lock()
	all := []map[string]string{}
	for _, m := range s.submissions {
		if m.destination == destination && m.visible() {
			all = append(all, map[string]string{"destinationId": m.destination, "submissionId": m.id, "caseId": m.theCase})
		}
	}
	s.mu.Unlock()
	from, to := min(offset, len(all)), min(offset+limit, len(all))
	answer(w, http.StatusOK, map[string]any{"totalCount": len(all), "offset": offset, "count": to - from, "submissions": all[from:to]})
}

func (s *Server) fetch(w http.ResponseWriter, r *http.Request, client string) {
	m, ok := s.readable(w, r, client)
	if !ok {
		return
	}
	body := map[string]any{
		"submissionId": m.id, "caseId": m.theCase, "destinationId": m.destination, "region": m.region, "attachments": m.announced,
		"encryptedMetadata": m.metadata, "encryptedData": m.data,
	}
	if m.service != "" {
		body["publicService"] = map[string]string{"identifier": m.service, "name": m.serviceName}
	}
	answer(w, http.StatusOK, body)
}

func (s *Server) fetchAttachment(w http.ResponseWriter, r *http.Request, client string) {
	m, ok := s.readable(w, r, client)
	if !ok {
		return
	}
	f, err := os.Open(m.files[r.PathValue("attachment")])
	if err != nil {
		problem(w, http.StatusNotFound, "attachment-not-found")
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		problem(w, http.StatusInternalServerError, "internal")
		return
	}
	w.Header().Set("Content-Type", "application/jose")
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	size := info.Size()
	if cut(r) {
		size /= 2
	}
	if _, err := io.CopyN(w, f, size); err != nil || size < info.Size() {
		panic(http.ErrAbortHandler) // cut off, so that nobody takes it for whole
	}
}

// Waiting gives the ids of submissions that can be read, oldest first.
func (s *Server) Waiting(destination string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	var ids []string
	for _, m := range s.submissions {
		if m.destination == destination && m.visible() {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// Ended gives how a submission ended: accept-submission, reject-submission, or ""
// while it has not.
func (s *Server) Ended(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if m := s.find(id); m != nil {
		return m.ended
	}
	return ""
}

// Relist lists a submission again that has ended, as if the service had not noticed.
func (s *Server) Relist(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.find(id); m != nil {
		m.ended = ""
	}
}

// Parts gives what was submitted, encrypted: metadata, data, and the files of the
// attachments by their ids.
func (s *Server) Parts(id string) (metadata, data string, attachments map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.find(id); m != nil {
		return m.metadata, m.data, maps.Clone(m.files)
	}
	return "", "", nil
}

// Begun gives how many submissions were announced and never submitted.
func (s *Server) Begun() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.submissions {
		if m.submitted.IsZero() {
			n++
		}
	}
	return n
}

// Forget lets the service drop what was announced and not submitted, as it does
// after a day.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.submissions = slices.DeleteFunc(s.submissions, func(m *submission) bool { return m.submitted.IsZero() })
}
