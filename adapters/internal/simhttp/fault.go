// Package simhttp is what simulators of HTTP services share: faults to order, orders of
// testers, and serving on loopback.
package simhttp

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault is what goes wrong with the next calls.
type Fault struct {
	// Art: frist (no answer until the caller gives up), leer (an empty body), unlesbar
	// (an HTML page), abgeschnitten (half of the answer), kein-http (bytes that are
	// no HTTP), riesig (more than anybody
	// reads), typen (the answer's data is a text), verloren (done, but the answer is
	// lost), or an HTTP status such as "503".
	Art string `json:"art"`
	// Mal is how many calls it befalls; 0 means once.
	Mal int `json:"mal"`
	// Pfad limits it to calls whose path contains it.
	Pfad string `json:"pfad"`
	// Vorher is how many calls, of those that Pfad fits, it lets pass first.
	Vorher int `json:"vorher"`
	// Nach is the Retry-After of a status, in seconds; 0 for none.
	Nach int `json:"nach"`
}

var arts = []string{"frist", "leer", "unlesbar", "abgeschnitten", "kein-http", "riesig", "typen", "verloren"}

// Faults are those that were ordered. The zero value has none.
type Faults struct {
	mu    sync.Mutex
	list  []*Fault
	calls int
}

// Calls is how many calls came.
func (s *Faults) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Order orders a fault.
func (s *Faults) Order(f Fault) error {
	if !slices.Contains(arts, f.Art) && !isStatus(f.Art) {
		return errors.New("fault: art must be frist, leer, unlesbar, abgeschnitten, kein-http, riesig, typen, verloren or an HTTP status from 400 to 599")
	}
	f.Mal = max(f.Mal, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, &f)
	return nil
}

func isStatus(art string) bool {
	n, err := strconv.Atoi(art)
	return err == nil && n >= 400 && n < 600
}

// Befall lets what was ordered befall a call.
func (s *Faults) Befall(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := s.strike(r.URL.Path)
		if f == nil {
			next(w, r)
			return
		}
		befall(w, r, *f, next)
	}
}

func (s *Faults) strike(path string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	for i, f := range s.list {
		if !strings.Contains(path, f.Pfad) {
			continue
		}
		if f.Vorher > 0 {
			f.Vorher--
			continue
		}
		if f.Mal--; f.Mal == 0 {
			s.list = slices.Delete(s.list, i, i+1)
		}
		return f
	}
	return nil
}

// huge is more than eai.MaxAnswer.
const huge = 17 << 20

func befall(w http.ResponseWriter, r *http.Request, f Fault, next http.HandlerFunc) {
	switch f.Art {
	case "frist":
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the caller has left
		<-r.Context().Done()
	case "leer":
		w.Header().Set("Content-Type", "application/json")
	case "unlesbar":
		_, _ = io.WriteString(w, "<html><body>Wartungsarbeiten</body></html>")
	case "riesig":
		_, _ = io.WriteString(w, `{"meta":{"error":false},"data":["`+strings.Repeat("x", huge)+`"]}`)
	case "typen":
		_, _ = io.WriteString(w, `{"meta":{"error":false},"data":"Zaunkönig"}`)
	case "abgeschnitten":
		rec := httptest.NewRecorder()
		next(rec, r)
		_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
	case "kein-http":
		noHTTP(w)
	case "verloren":
		next(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		if f.Nach > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.Nach))
		}
		status, _ := strconv.Atoi(f.Art)
		http.Error(w, "Zaunkönig ist nicht erreichbar", status) // what a proxy writes: no envelope
	}
}

// noHTTP answers in no protocol that the caller speaks.
func noHTTP(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(conn, "Zaunkönig 4711\r\n\r\n")
	_ = conn.Close()
}
