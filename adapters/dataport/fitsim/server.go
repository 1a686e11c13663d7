package fitsim

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// Options of a server.
type Options struct {
	// Base is the address of the Submission API, …/submission-api: also the issuer.
	Base string
	// Clients by id.
	Clients map[string]Client
	// Destinations by id (lower case).
	Destinations map[string]Destination
	// TokenLife is how long a token lasts; 0: half an hour.
	TokenLife time.Duration
	// Day is how long a day of the deadlines lasts; 0: a day.
	Day time.Duration
	// Key signs the service's SETs.
	Key fit.PrivateKey
	// Quiet leaves create-submission and notify-submission out of the event log.
	Quiet bool
	// Dir is where attachments are kept.
	Dir string
	// MinBits of keys; 0: those of FIT-Connect.
	MinBits int
}

// Client is who gets tokens.
type Client struct {
	Secret string
	// Destinations that it may read; a client without any is a sender.
	Destinations []string
}

// Destination is a Zustellpunkt.
type Destination struct {
	Encryption fit.PublicKey
	Signature  fit.PublicKey
	// Services are the URNs of public services that it takes; none: all.
	Services []string
	Region   string
	// Schema, if given, is the only one that it takes, JSON.
	Schema string
	// Keys are the places (ARS or AGS) for which the routing service names it.
	Keys []string
	// Chain is x5c of its encryption key: base64 of DER.
	Chain []string
	// CallbackURL is told of new submissions, with CallbackSecret.
	CallbackURL    string
	CallbackSecret string
}

// Server is a simulated Zustelldienst. It is safe for concurrent use.
type Server struct {
	opt   Options
	mux   *http.ServeMux
	ended chan struct{}
	end   sync.Once
	bg    sync.WaitGroup

	mu          sync.Mutex
	tokens      map[string]token
	submissions []*submission
	logs        map[string][]string // of SETs, by case
	cases       map[string]owner
	orders      []Order
	calls       map[string]int
}

type token struct {
	client  string
	expires time.Time
}

// New makes a server.
func New(opt Options) *Server {
	if opt.TokenLife == 0 {
		opt.TokenLife = 30 * time.Minute
	}
	if opt.Day == 0 {
		opt.Day = 24 * time.Hour
	}
	if opt.MinBits == 0 {
		opt.MinBits = fit.MinBits
	}
	s := &Server{
		opt: opt, mux: http.NewServeMux(), ended: make(chan struct{}),
		tokens: map[string]token{}, logs: map[string][]string{}, cases: map[string]owner{}, calls: map[string]int{},
	}
	s.routes()
	return s
}

// Stop ends what goes on in the background, and lets go of calls that a fault
// holds.
func (s *Server) Stop() {
	s.end.Do(func() { close(s.ended) })
	s.bg.Wait()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Operations that can be disturbed.
const (
	opToken      = "token"
	opList       = "list"
	opFetch      = "fetch"
	opAttachment = "attachment"
	opEvents     = "events"
	opPost       = "post"
	opKeys       = "keys"
	opSubmit     = "submit" // the citizen's

	// the sender's calls
	opRoutes      = "routes"
	opDestination = "destination"
	opAnnounce    = "announce"
	opUpload      = "upload"
	opPut         = "put"
)

func (s *Server) routes() {
	const api = "/submission-api"
	s.mux.HandleFunc("POST /token", s.disturbed(opToken, s.login))
	s.mux.HandleFunc("GET "+api+"/.well-known/jwks.json", s.disturbed(opKeys, s.keySet))
	for pattern, h := range map[string]http.HandlerFunc{
		"GET " + api + "/v2/submissions":                               s.disturbed(opList, s.allowed(s.list)),
		"GET " + api + "/v2/submissions/{id}":                          s.disturbed(opFetch, s.allowed(s.fetch)),
		"GET " + api + "/v2/submissions/{id}/attachments/{attachment}": s.disturbed(opAttachment, s.allowed(s.fetchAttachment)),
		"GET " + api + "/v2/cases/{id}/events":                         s.disturbed(opEvents, s.allowed(s.readEvents)),
		"POST " + api + "/v2/cases/{id}/events":                        s.disturbed(opPost, s.allowed(s.postEvent)),
		"GET " + api + "/v2/destinations/{id}":                         s.disturbed(opDestination, s.allowed(s.destination)),
		"GET " + api + "/v2/destinations/{id}/keys/{key}":              s.disturbed(opKeys, s.allowed(s.destinationKey)),
		"POST " + api + "/v2/submissions":                              s.disturbed(opAnnounce, s.allowed(s.announce)),
		"PUT " + api + "/v2/submissions/{id}/attachments/{attachment}": s.disturbed(opUpload, s.allowed(s.putAttachment)),
		"PUT " + api + "/v2/submissions/{id}":                          s.disturbed(opPut, s.allowed(s.putSubmission)),
		"GET /routing/v2/routes":                                       s.disturbed(opRoutes, s.route),
		"POST /sim/antraege":                                           s.orderSubmission,
		"POST /sim/fehler":                                             s.orderFault,
		"GET /sim/stand":                                               s.status,
	} {
		s.mux.HandleFunc(pattern, h)
	}
}

func secretText() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Expire ends all tokens.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Calls tells how often an operation was called: token, list, fetch, attachment,
// events, post, keys; routes, destination, announce, upload, put.
func (s *Server) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

// login gives a token for client credentials in the form body; in a header they are
// refused, as by the real one.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "client_credentials" {
		answer(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	id := r.PostForm.Get("client_id")
	c, known := s.opt.Clients[id]
	switch {
	case !known || c.Secret != r.PostForm.Get("client_secret"):
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	case r.PostForm.Has("scope"):
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_scope"})
		return
	}
	text := secretText()
	s.mu.Lock()
	s.tokens[text] = token{id, time.Now().Add(s.opt.TokenLife)}
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"access_token": text, "token_type": "Bearer", "expires_in": int(s.opt.TokenLife.Seconds())})
}

type handler func(w http.ResponseWriter, r *http.Request, client string)

// allowed lets pass who has a token that lasts, and names itself.
func (s *Server) allowed(next handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		t, known := s.tokens[text]
		s.expire()
		s.mu.Unlock()
		switch {
		case r.UserAgent() == "":
			problem(w, http.StatusForbidden, "missing-user-agent")
		case !known || time.Now().After(t.expires):
			problem(w, http.StatusUnauthorized, "unauthorized")
		default:
			next(w, r, t.client)
		}
	}
}
