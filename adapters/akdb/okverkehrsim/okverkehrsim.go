// Package okverkehrsim plays the City of Munich's gateway before OK.VERKEHR, for
// examples and tests: the one call of kfzhalterpersonen-swagger.json, with
// whatever answers were laid out, and faults to order.
package okverkehrsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// BasePath of the gateway, as in the Swagger.
const BasePath = "/kfzhalterpersonenineai/api"

// Server holds answers (HalterPersonAntwort) by number plate. It is safe for
// concurrent use.
type Server struct {
	// User and Password of Basic authentication, set before it serves; "" lets
	// everybody in.
	User, Password string

	mu      sync.Mutex
	answers map[string][]byte
	asked   []string
	faults  []Fault
}

// New makes a server that knows nobody.
func New() *Server { return &Server{answers: map[string][]byte{}} }

// Put lays out an answer for the number plate in its zulassung.
func (s *Server) Put(answer []byte) error {
	var a struct {
		Zulassung struct {
			Kennzeichen string `json:"kennzeichen"`
		} `json:"zulassung"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return err
	}
	if a.Zulassung.Kennzeichen == "" {
		return errors.New("zulassung.kennzeichen is missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[a.Zulassung.Kennzeichen] = answer
	return nil
}

// Asked lists the ids of all questions (anfrageid), in order.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Fault is what goes wrong with the next call.
type Fault struct {
	// Art: frist (no answer until the caller gives up), unlesbar (an HTML page),
	// verwechselt (an answer about another vehicle, if the one asked for is known), or an HTTP status such as "502".
	Art string `json:"art"`
}

// Order orders a fault.
func (s *Server) Order(f Fault) error {
	status, err := strconv.Atoi(f.Art)
	if !slices.Contains([]string{"frist", "unlesbar", "verwechselt"}, f.Art) && (err != nil || status < 400 || status > 599) {
		return errors.New("fault: art must be frist, unlesbar, verwechselt or an HTTP status from 400 to 599")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// Handler serves the call, and below /sim/ what a tester orders: POST
// /sim/fahrzeuge (a HalterPersonAntwort), POST /sim/fehler (a Fault).
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+BasePath+"/businessActions/kfzhalterpersonen", s.answer)
	mux.HandleFunc("POST /sim/fahrzeuge", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err == nil {
			err = s.Put(body)
		}
		done(w, err)
	})
	mux.HandleFunc("POST /sim/fehler", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&f)
		if err == nil {
			err = s.Order(f)
		}
		done(w, err)
	})
	return mux
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); s.User != "" && (user != s.User || password != s.Password) {
		w.Header().Set("WWW-Authenticate", `Basic realm="OK.VERKEHR-EAI"`)
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	var q map[string]string
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&q)
	for _, field := range []string{"kennzeichen", "suchzeitpunkt", "benutzer", "verfahren", "anfrageid"} {
		if err != nil || q[field] == "" {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
	}
	art, answer := s.next(q)
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	switch status, _ := strconv.Atoi(art); {
	case art == "frist":
		<-r.Context().Done()
	case art == "unlesbar":
		_, _ = w.Write([]byte("<html><body>Wartungsarbeiten</body></html>"))
	case status != 0:
		http.Error(w, "{}", status)
	case answer == nil:
		http.Error(w, `{"status":404,"error":"Not Found"}`, http.StatusNotFound)
	case art == "verwechselt":
		_, _ = w.Write(bytes.Replace(answer, []byte(q["kennzeichen"]), []byte("X XX9999"), 1))
	default:
		_, _ = w.Write(answer)
	}
}

// next gives the fault that strikes, or else the answer.
func (s *Server) next(q map[string]string) (art string, answer []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, q["anfrageid"])
	if len(s.faults) > 0 {
		art, s.faults = s.faults[0].Art, s.faults[1:]
	}
	return art, s.answers[q["kennzeichen"]]
}
