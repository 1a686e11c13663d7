package zmssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
	_ "time/tzdata" // the days of ZMS are those of Berlin

	"github.com/amtsbote/amtsbote/adapters/internal/simhttp"
)

// Process is a process as schema-process.json has it.
type Process = map[string]any

// Server is a ZMS. It is safe for concurrent use.
type Server struct {
	simhttp.Faults

	Name, Password string // of the one account; "" lets everybody in
	PHP            bool   // the recorded form, else numbers and arrays

	mu        sync.Mutex
	processes map[string]Process
	slots     []Slot
	keys      []string // of sessions
	next      int
	now       func() time.Time
}

// Slot is an appointment that nobody has.
type Slot struct {
	Scope      string `json:"scope"`
	Beginn     int64  `json:"beginn"` // Unix seconds
	Anbieter   string `json:"dienststelle"`
	Minuten    int    `json:"minuten"`
	Reserviert int    `json:"reservierung"` // minutes
}

// New makes an empty ZMS.
func New() *Server {
	return &Server{PHP: true, processes: map[string]Process{}, next: 101002, now: time.Now}
}

// Put enters a process or puts fields of it; id is required.
func (s *Server) Put(raw []byte) error {
	var p Process
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("process: %w", err)
	}
	id := idOf(p)
	if id == "" {
		return errors.New("process: id is missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.processes[id]; old != nil {
		old = maps.Clone(old)
		maps.Copy(old, p)
		p = old
	}
	s.processes[id] = p
	return nil
}

// Remove takes a process away, as if it had never been.
func (s *Server) Remove(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.processes[id] == nil {
		return errors.New("no such process")
	}
	delete(s.processes, id)
	return nil
}

// Offer adds free appointments.
func (s *Server) Offer(slots ...Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots = append(s.slots, slots...)
}

// Forget ends all sessions.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = nil
}

// Processes are copies of all processes, by number.
func (s *Server) Processes() (all []Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.processes)) {
		all = append(all, maps.Clone(s.processes[id]))
	}
	return all
}

func idOf(p Process) string { return digits(p["id"]) }

// digits is a number or its text.
func digits(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatInt(int64(v), 10)
	}
	return ""
}

// at is what stands at a path of keys; a number steps into a list.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func beginOf(p Process) int64 {
	n, _ := strconv.ParseInt(digits(at(p, "appointments", 0, "date")), 10, 64)
	return n
}

func scopeOf(p Process) string {
	if id := digits(at(p, "scope", "id")); id != "" {
		return id
	}
	return digits(at(p, "appointments", 0, "scope", "id"))
}

var berlin = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return time.UTC // cannot happen: tzdata is embedded
	}
	return zone
})

func dayOf(p Process) string { return time.Unix(beginOf(p), 0).In(berlin()).Format(time.DateOnly) }
