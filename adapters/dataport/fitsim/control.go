package fitsim

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// orderSubmission is POST /sim/antraege with an Application: the citizen's command.
func (s *Server) orderSubmission(w http.ResponseWriter, r *http.Request) {
	var app Application
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&app)
	var done Submitted
	if err == nil {
		done, err = s.Submit(app)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, http.StatusCreated, done)
}

// State of a submission, as the citizen may know it.
type State struct {
	Submitted
	Ended  string   `json:"ende,omitempty"`
	Events []string `json:"ereignisse"`
}

// status is GET /sim/stand: every submission with its events.
func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	s.expire()
	var all []State
	for _, m := range s.submissions {
		all = append(all, State{Submitted: Submitted{m.id, m.theCase}, Ended: m.ended})
	}
	s.mu.Unlock()
	for i := range all {
		all[i].Events = s.Log(all[i].Submission)
	}
	answer(w, http.StatusOK, all)
}

// call tells the destination's callback of a submission, again until it answers.
func (s *Server) call(m *submission) {
	d := s.opt.Destinations[m.destination]
	if d.CallbackURL == "" {
		return
	}
	body, err := json.Marshal(map[string]any{
		"type": fit.NewSubmissions, "submissionIds": []string{m.id},
		"submissions": []map[string]string{{"destinationId": m.destination, "submissionId": m.id, "caseId": m.theCase}},
	})
	if err != nil {
		return
	}
	s.bg.Go(func() {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		go func() {
			select {
			case <-s.ended:
				stop()
			case <-ctx.Done():
			}
		}()
		for wait := 100 * time.Millisecond; ctx.Err() == nil && wait < time.Minute; wait *= 2 {
			if callOnce(ctx, d, body) {
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
	})
}

func callOnce(ctx context.Context, d Destination, body []byte) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.CallbackURL, bytes.NewReader(body))
	if err != nil {
		return true // no address: never
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(fit.CallbackTimestamp, at)
	req.Header.Set(fit.CallbackAuthentication, fit.CallbackMAC([]byte(d.CallbackSecret), at, body))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
