package open311sim

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is a GeoReport server. It is safe for concurrent use.
type Server struct {
	set   Settings
	names map[string]string // of the services

	mu      sync.Mutex
	reports []*Report
	updates []Update
	posts   []url.Values // what was sent to file a report, without the key
	faults  []Fault
	asked   []string // method and path of each call
	number  int
}

// Fault is what goes wrong with the next calls.
type Fault struct {
	// Art: one of Arten.
	Art string `json:"art"`
	Mal int    `json:"mal"` // how many calls; 0 means once
	// Bei is the method that it strikes, any when empty.
	Bei string `json:"bei"`
}

// Arten of faults: frist (no answer until the caller gives up), 429 and 503 (with
// Retry-After), 500, html (a page instead of a list), kaputt (a list that breaks off),
// riesig (an answer without an end), umleitung (a redirect), getan-500, getan-weg,
// getan-html and getan-umleitung (what was asked is done, and then the answer is 500, cut
// off, a page, a redirect).
var Arten = []string{"frist", "429", "503", "500", "html", "kaputt", "riesig", "umleitung", "getan-500", "getan-weg", "getan-html", "getan-umleitung"}

// Order orders a fault.
func (s *Server) Order(f Fault) error {
	if !slices.Contains(Arten, f.Art) {
		return errors.New("fault: art must be one of " + strings.Join(Arten, ", "))
	}
	f.Mal = max(f.Mal, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

func (s *Server) strike(method string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		f := &s.faults[i]
		if f.Bei != "" && f.Bei != method {
			continue
		}
		art := f.Art
		if f.Mal--; f.Mal == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return art
	}
	return ""
}

// now is the server's clock.
func (s *Server) now() time.Time { return time.Now().Add(s.set.Clock).Truncate(time.Second) }

// Put brings a report in: a new one, or what has become of one that is there. What is
// left out stays; a new one gets an id, times and the status open.
func (s *Server) Put(r Report) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.find(r.ID); r.ID != "" && old != nil {
		s.change(old, r)
		return r.ID, nil
	}
	if _, known := s.names[r.Service]; !known {
		return "", fmt.Errorf("there is no service_code %q", r.Service)
	}
	s.number++
	r.ID = cmp.Or(r.ID, s.id())
	r.Status = cmp.Or(r.Status, "open")
	r.Requested = cmp.Or(r.Requested, s.now())
	r.Updated = cmp.Or(r.Updated, r.Requested)
	s.reports = append(s.reports, &r)
	return r.ID, nil
}

func (s *Server) change(old *Report, r Report) {
	for _, text := range []struct {
		to   *string
		what string
	}{
		{&old.Status, r.Status},
		{&old.Notes, r.Notes},
		{&old.Detail, r.Detail},
		{&old.Agency, r.Agency},
		{&old.Description, r.Description},
		{&old.MediaURL, r.MediaURL},
		{&old.Address, r.Address},
	} {
		*text.to = cmp.Or(text.what, *text.to)
	}
	old.Hidden = r.Hidden
	old.Updated = cmp.Or(r.Updated, s.now())
}

// id is one as the dialect has them.
func (s *Server) id() string {
	if s.set.Dialect == "mark-a-spot" {
		return strconv.Itoa(s.number) + "-" + strconv.Itoa(s.now().Year())
	}
	return strconv.Itoa(600000 + s.number)
}

// Remove takes a report out, as an administrator would.
func (s *Server) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = slices.DeleteFunc(s.reports, func(r *Report) bool { return r.ID == id })
}

// Tell adds an update, and changes its report (FixMyStreet).
func (s *Server) Tell(u Update) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.At = cmp.Or(u.At, s.now())
	u.ID = cmp.Or(u.ID, strconv.Itoa(len(s.updates)+1))
	s.updates = append(s.updates, u)
	if r := s.find(u.Request); r != nil {
		s.change(r, Report{Status: u.Status, Hidden: r.Hidden, Updated: u.At})
	}
}

// Reports lists what the server has.
func (s *Server) Reports() []Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Report, 0, len(s.reports))
	for _, r := range s.reports {
		out = append(out, *r)
	}
	return out
}

// Updates lists the updates.
func (s *Server) Updates() []Update {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.updates)
}

// Posts lists the forms by which reports were filed, without api_key.
func (s *Server) Posts() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Asked lists the calls: method, a space, path.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *Server) find(id string) *Report {
	for _, r := range s.reports {
		if r.ID == id {
			return r
		}
	}
	return nil
}
