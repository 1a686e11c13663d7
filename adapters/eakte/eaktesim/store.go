package eaktesim

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/amtsbote/amtsbote/adapters/internal/simhttp"
)

// Object is what was made: a file, a procedure, an Eingang or a Schriftstück.
type Object struct {
	Kind   string // files, procedures, incomings, contents
	COO    string
	In     string            // COO of what it lies in: of a file the place in the file plan
	Fields map[string]string // as they were given
	SHA256 string            // of a Schriftstück
	Size   int64
}

// Name is that of the E-Akte: the title and the Geschäftszeichen.
func (o Object) Name() string {
	if o.Kind == "contents" {
		return o.Fields["filename"]
	}
	_, number, _ := strings.Cut(o.COO, "COO.1.2301.1.")
	return fmt.Sprintf("%s (0010 A20 011-%s)", o.Fields["shortname"], number)
}

// Server is an E-Akte. It is safe for concurrent use.
type Server struct {
	simhttp.Faults

	User, Password string // Basic; "" lets everybody in
	Token          string // or bearer
	Yaml           bool   // references with name and id, as the YAML of 1.2.5; else objname and objaddress

	mu      sync.Mutex
	objects []Object
	busy    map[string]int // uploads that are going on, by file
	busiest int
	made    int
}

// New makes an empty E-Akte.
func New() *Server { return &Server{busy: map[string]int{}} }

// Objects are copies of all that was made, the oldest first.
func (s *Server) Objects(kind string) (all []Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.objects {
		if o.Kind == kind {
			all = append(all, o)
		}
	}
	return all
}

// Remove deletes an object.
func (s *Server) Remove(coo string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = slices.DeleteFunc(s.objects, func(o Object) bool { return o.COO == coo })
}

// Busiest is how many documents were ever filed at once in one procedure's file.
func (s *Server) Busiest() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busiest
}

// add makes an object. Callers hold the lock.
func (s *Server) add(o Object) Object {
	o.COO = fmt.Sprintf("COO.1.2301.1.%d", 1042406+s.made)
	s.made++
	s.objects = append(s.objects, o)
	return o
}

func (s *Server) get(coo string) (Object, bool) {
	i := slices.IndexFunc(s.objects, func(o Object) bool { return o.COO == coo })
	if i < 0 {
		return Object{}, false
	}
	return s.objects[i], true
}

// fileOf is the file in which an object lies.
func (s *Server) fileOf(coo string) string {
	o, ok := s.get(coo)
	if !ok || o.Kind == "files" {
		return coo
	}
	return s.fileOf(o.In)
}
