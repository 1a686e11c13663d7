package xtasim

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
)

// Options of a server.
type Options struct {
	// Accounts by key. Nil: every key is an account.
	Accounts map[string]Account
	// MTOM answers getMessage as MTOM.
	MTOM bool
	// MaxBytes of one container; 0: the standard's 40 MB.
	MaxBytes int64
	// Dir is where contents of requests go.
	Dir string
	// Accepted, if given, is called for each message that was sent, before its
	// answer; an error is answered with 9030. Contents last until it returns.
	Accepted func(m *wire.MetaData, c *wire.Container) error
}

// Account is a customer of the server.
type Account struct {
	// CommonName of the certificate that the account must show; empty: any.
	CommonName string
	Locked     bool
}

// Server is a simulated XTA server; it serves all three ports at any path.
type Server struct {
	opt   Options
	ended chan struct{}
	end   sync.Once

	mu       sync.Mutex
	orders   []Order
	calls    map[string]int
	boxes    map[string][]*Letter // by the reader's key
	requests map[string]*listing  // by MsgBoxRequestID
	issued   map[string]bool      // MessageIDs, lower case; true: used
	sent     []*Letter
	number   int
}

// New makes a server.
func New(opt Options) *Server {
	return &Server{
		opt: opt, ended: make(chan struct{}), calls: map[string]int{}, boxes: map[string][]*Letter{},
		requests: map[string]*listing{}, issued: map[string]bool{},
	}
}

// Stop lets go of the calls that a Timeout holds.
func (s *Server) Stop() { s.end.Do(func() { close(s.ended) }) }

// Order orders disturbances, behind those that are not used up.
func (s *Server) Order(orders ...Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range orders {
		if o.Times == 0 {
			o.Times = 1
		}
		s.orders = append(s.orders, o)
	}
}

// Put lays a letter into its reader's box and gives its MessageID.
func (s *Server) Put(l Letter) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(&l)
}

func (s *Server) put(l *Letter) string {
	if l.MessageID == "" {
		l.MessageID = newMessageID()
	}
	l.arrived = time.Now()
	key := strings.ToLower(l.Reader.Kennung)
	s.boxes[key] = append(s.boxes[key], l)
	return l.MessageID
}

// Waiting gives the MessageIDs in a reader's box, oldest first.
func (s *Server) Waiting(reader string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, l := range s.boxes[strings.ToLower(reader)] {
		ids = append(ids, l.MessageID)
	}
	return ids
}

// Sent gives what authors have sent, contents in memory, in order.
func (s *Server) Sent() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Letter, len(s.sent))
	for i, l := range s.sent {
		all[i] = *l
	}
	return all
}

// Calls tells how often an operation was called.
func (s *Server) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operations[operation]]
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, err := wire.Read(r.Body, r.Header.Get("Content-Type"), wire.Limits{Bytes: s.opt.MaxBytes}, s.opt.Dir)
	if errors.Is(err, wire.ErrTooLarge) {
		s.write(w, wire.Envelope{}, fault("9023"))
		return
	}
	if err != nil {
		http.Error(w, "not an envelope of XTA", http.StatusBadRequest)
		return
	}
	defer m.Close()
	effect := s.next(m.Action)
	if s.disturb(w, r, effect) {
		return
	}
	envelope, err := s.answer(m, r, effect)
	envelope.Action, envelope.RelatesTo = m.Action, m.MessageID
	if effect == Lost {
		panic(http.ErrAbortHandler)
	}
	s.write(w, envelope, err)
}

// disturb does what happens instead of an answer.
func (s *Server) disturb(w http.ResponseWriter, r *http.Request, e Effect) bool {
	switch e {
	case Timeout:
		select {
		case <-r.Context().Done():
		case <-s.ended:
		}
		panic(http.ErrAbortHandler)
	case Drop:
		panic(http.ErrAbortHandler)
	case Unavailable:
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return true
	case Garbage:
		w.Header().Set("Content-Type", "application/soap+xml")
		_, _ = io.WriteString(w, "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
		return true
	}
	return false
}

// write answers with the envelope, or with the fault in err.
func (s *Server) write(w http.ResponseWriter, e wire.Envelope, err error) {
	status := http.StatusOK
	if err != nil {
		f, isFault := errors.AsType[*wire.Fault](err)
		if !isFault {
			f = fault("9030")
		}
		e.Headers, e.Body, status = nil, []wire.Node{f.Node()}, http.StatusInternalServerError
	}
	encoded, err := e.Encode(s.opt.MTOM && e.Action == wire.GetMessage && status == http.StatusOK)
	if err != nil {
		http.Error(w, "no answer can be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", encoded.ContentType)
	w.Header().Set("Content-Length", fmt.Sprint(encoded.Size))
	w.WriteHeader(status)
	body := encoded.Body()
	defer func() { _ = body.Close() }()
	if _, err := io.Copy(w, body); err != nil {
		panic(http.ErrAbortHandler) // the answer is cut off, so that nobody takes it for whole
	}
}

// admit checks account and certificate.
func (s *Server) admit(kennung string, r *http.Request) error {
	if s.opt.Accounts == nil && kennung != "" {
		return nil
	}
	account, known := s.opt.Accounts[kennung]
	switch {
	case !known:
		return fault("9012")
	case account.Locked:
		return fault("9011")
	case account.CommonName != "" && !shows(r, account.CommonName):
		return fault("9014")
	}
	return nil
}

func shows(r *http.Request, name string) bool {
	return r.TLS != nil && slices.ContainsFunc(r.TLS.PeerCertificates, func(c *x509.Certificate) bool {
		return c.Subject.CommonName == name
	})
}
