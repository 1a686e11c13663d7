package phoenixsim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

// Effect is a disturbance that can be ordered. Besides them an HTTP status from 400 to
// 599 is one.
type Effect string

// The effects.
const (
	// Timeout reads the request and never answers.
	Timeout Effect = "timeout"
	// Drop ends the connection before anything is done.
	Drop Effect = "drop"
	// Lost does what was asked and loses the answer.
	Lost Effect = "lost"
	// Garbage answers 200 with HTML, as a proxy does.
	Garbage Effect = "garbage"
	// Huge answers 200 with more bytes than anybody reads.
	Huge Effect = "huge"
	// Slow answers 429 with Retry-After: 7.
	Slow Effect = "slow"
	// Moved answers 302 to a page to log in.
	Moved Effect = "moved"
)

var effects = []Effect{Timeout, Drop, Lost, Garbage, Huge, Slow, Moved}

// Order disturbs calls of one method a number of times.
type Order struct {
	On    string `json:"on" yaml:"on"` // POST (a notification), HEAD, PUT, MOVE, MKCOL, DELETE
	Do    Effect `json:"do" yaml:"do"`
	Times int    `json:"times" yaml:"times"` // 0: once; negative: always
	Skip  int    `json:"skip" yaml:"skip"`   // calls that pass before
}

var methods = []string{"POST", "HEAD", "PUT", "MOVE", "MKCOL", "DELETE"}

// problem names the order's key that cannot be, "" if none.
func (o Order) problem() (key, text string) {
	if !slices.Contains(methods, o.On) {
		return "on", "must be one of " + strings.Join(methods, ", ")
	}
	status, err := strconv.Atoi(string(o.Do))
	if slices.Contains(effects, o.Do) || err == nil && status >= 400 && status <= 599 {
		return "", ""
	}
	return "do", "is no effect"
}

// Order orders disturbances, behind those that are not used up.
func (s *Server) Order(orders ...Order) error {
	for _, o := range orders {
		if key, text := o.problem(); text != "" {
			return errors.New("fault: " + key + " " + text)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range orders {
		if o.Times == 0 {
			o.Times = 1
		}
		s.orders = append(s.orders, o)
	}
	return nil
}

// Calls tells how often a method was called.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

func (s *Server) next(method string) Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[method]++
	for i := range s.orders {
		o := &s.orders[i]
		if o.On != method || o.Times == 0 {
			continue
		}
		if o.Skip > 0 {
			o.Skip--
			continue
		}
		o.Times--
		return o.Do
	}
	return ""
}

// disturbed lets an order come before a handler.
func (s *Server) disturbed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch effect := s.next(r.Method); effect {
		case "":
			next(w, r)
		case Timeout:
			_, _ = io.Copy(io.Discard, r.Body) // only then is the client's end seen
			select {
			case <-r.Context().Done():
			case <-s.ended:
			}
			panic(http.ErrAbortHandler)
		case Drop:
			panic(http.ErrAbortHandler)
		case Lost:
			next(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			answerWrong(w, r, effect)
		}
	}
}

func answerWrong(w http.ResponseWriter, r *http.Request, effect Effect) {
	switch effect {
	case Garbage:
		_, _ = io.WriteString(w, "<html>Wartung</html>")
	case Huge:
		for line := strings.Repeat("x", 1<<16); ; {
			if _, err := io.WriteString(w, line); err != nil {
				return
			}
		}
	case Slow:
		w.Header().Set("Retry-After", "7")
		ocs(w, r, http.StatusTooManyRequests, "")
	case Moved:
		w.Header().Set("Location", "/login")
		w.WriteHeader(http.StatusFound)
	default:
		status, _ := strconv.Atoi(string(effect))  // was looked at when it was ordered
		if strings.Contains(r.URL.Path, "/dav/") { // DAV:error (RFC 4918, section 16)
			w.Header().Set("Content-Type", "application/xml; charset=utf-8")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `<?xml version="1.0"?><d:error xmlns:d="DAV:"/>`)
			return
		}
		ocs(w, r, status, "")
	}
}

// orderFault is POST /sim/fehler with an Order.
func (s *Server) orderFault(w http.ResponseWriter, r *http.Request) {
	var o Order
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&o)
	if err == nil {
		err = s.Order(o)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
