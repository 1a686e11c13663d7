package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Config says what is served, and to whom.
type Config struct {
	// Listen is host:port; port 0 takes a free one. Beyond loopback TLS must be set.
	Listen string
	// TLS is the server's side of TLS 1.3; nil: none.
	TLS *tls.Config
	// Routes are what is served; a path and method stands there once.
	Routes         []Route
	Authenticators []Authenticator
	// Federation gives the version of the federation directory that is in force.
	Federation func() *federation.Federation
	// Admit tells whether a request may be answered now, before its body is read; nil:
	// all. A Problem is the answer.
	Admit func(*Principal) *Problem
	// Failed hears of each failed login; nil: nobody.
	Failed func(r *http.Request, err error)
	// Refused hears of each request for what is not the asker's (404); nil: nobody.
	Refused func(p *Principal, code refusal.Code)
	// Answered hears of each answer; nil: nobody.
	Answered func(route *Route, status int)
	// Undescribed hears of an answer whose status the route's Operation does not name;
	// nil: it is logged.
	Undescribed func(route *Route, status int)
	// ReadTimeout is how long a request may take to come, headers and body each; 0 is
	// DefaultReadTimeout.
	ReadTimeout time.Duration
	Log         *zap.Logger
}

// Limits of the server.
const (
	DefaultReadTimeout = 20 * time.Second
	writeTimeout       = 30 * time.Second
	idleTimeout        = 2 * time.Minute
	maxHeader          = 64 << 10
)

// Server answers HTTP requests until Close.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	http   *http.Server
	listen net.Listener
	done   sync.WaitGroup
	// streams ends what streams, when the server stops.
	streams context.Context
	cancel  context.CancelFunc
}

// Start listens and serves. Nothing runs after an error.
func Start(cfg Config) (*Server, error) {
	if cfg.ReadTimeout == 0 {
		cfg.ReadTimeout = DefaultReadTimeout
	}
	if cfg.TLS == nil && !Loopback(cfg.Listen) {
		return nil, fmt.Errorf("HTTP address %q: without TLS only loopback addresses are allowed: give a certificate and its key (--http-cert, --http-key)", cfg.Listen)
	}
	s := &Server{cfg: cfg}
	var err error
	if s.mux, err = s.routes(); err != nil {
		return nil, err
	}
	if s.listen, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w", err)
	}
	s.streams, s.cancel = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), TLSConfig: cfg.TLS,
		ReadHeaderTimeout: cfg.ReadTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog:  log.New(io.Discard, "", 0), // it prints addresses
		ConnState: state, ConnContext: withConn,
	}
	s.done.Go(s.run)
	return s, nil
}

func (s *Server) run() {
	serve := func() error { return s.http.Serve(sniffer{s.listen}) }
	if s.cfg.TLS != nil {
		serve = func() error { return s.http.ServeTLS(s.listen, "", "") }
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		s.cfg.Log.Error("HTTP stopped", zap.Error(err))
	}
}

// closeWait is how long requests that are underway may take when the server stops.
const closeWait = 2 * time.Second

// Close stops to listen, ends what streams, and waits for what is underway.
func (s *Server) Close() error {
	s.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	s.done.Wait()
	return err
}

// URL is where the server is reached.
func (s *Server) URL() string {
	scheme := "http://"
	if s.cfg.TLS != nil {
		scheme = "https://"
	}
	return scheme + s.listen.Addr().String()
}

// Loopback tells whether only this machine reaches an address host:port.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// routes registers each route, and for its path the answer to any other method.
func (s *Server) routes() (*http.ServeMux, error) {
	mux := http.NewServeMux()
	allowed, known := map[string]string{}, map[string]bool{}
	for i := range s.cfg.Routes {
		r := &s.cfg.Routes[i]
		if known[r.Method+" "+r.Path] {
			return nil, fmt.Errorf("HTTP route %s %s is there twice", r.Method, r.Path)
		}
		known[r.Method+" "+r.Path] = true
		if allowed[r.Path] != "" {
			allowed[r.Path] += ", "
		}
		allowed[r.Path] += r.Method
		mux.Handle(r.Method+" "+r.Path, s.handler(r))
	}
	for at, methods := range allowed {
		mux.HandleFunc(at, func(w http.ResponseWriter, r *http.Request) {
			p := NewProblem(http.StatusMethodNotAllowed, refusal.Method)
			p.Header = map[string]string{"Allow": methods}
			WriteProblem(w, r, p)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, r, NewProblem(http.StatusNotFound, refusal.Path))
	})
	return mux, nil
}

// serve refuses what the mux must not see: a request whose end is not clear, and a path
// that is not in its plain form, which it would redirect.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.cfg.ReadTimeout + writeTimeout)) // net/http's own can
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	if s.cfg.TLS != nil {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if ambiguous(r) {
		h.Set("Connection", "close")
		WriteProblem(w, r, NewProblem(http.StatusBadRequest, refusal.Smuggling))
		return
	}
	if path.Clean(r.URL.Path) != r.URL.Path {
		WriteProblem(w, r, NewProblem(http.StatusNotFound, refusal.Path))
		return
	}
	s.mux.ServeHTTP(w, r)
}

// handler is a route with all that comes before it.
func (s *Server) handler(route *Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w}
		defer func() {
			fault := recover()
			if fault != nil {
				s.cfg.Log.Error("an HTTP handler failed in a way it did not foresee", zap.String("operation", route.Operation.ID), zap.String("fault", fmt.Sprintf("%T", fault)))
				a.fail(r)
			}
			if s.cfg.Answered != nil {
				s.cfg.Answered(route, a.status)
			}
			if a.status != 0 && !route.describes(a.status) {
				s.undescribed(route, a.status)
			}
		}()
		r, done := s.timed(w, r, route)
		defer done()
		p, problem := s.enter(r, route)
		if problem != nil {
			WriteProblem(a, r, problem)
			return
		}
		if err := route.Handle(a, r, p); err != nil {
			s.failed(a, r, route, p, err)
		}
	})
}

// timed bounds how long a body may take to come. What streams has all the time for its
// answer, until the server stops.
func (s *Server) timed(w http.ResponseWriter, r *http.Request, route *Route) (*http.Request, func()) {
	c := http.NewResponseController(w)
	if r.ContentLength != 0 {
		_ = c.SetReadDeadline(time.Now().Add(s.cfg.ReadTimeout))
		r.Body = &timedBody{r.Body, c}
	}
	if !route.Stream {
		return r, func() {}
	}
	_ = c.SetWriteDeadline(time.Time{})
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(s.streams, cancel)
	return r.WithContext(ctx), func() { stop(); cancel() }
}

// timedBody lifts the deadline when all is read: net/http reads on to find out whether
// who asks is gone, and would take a deadline for that.
type timedBody struct {
	io.ReadCloser
	c *http.ResponseController
}

// Read implements io.Reader.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.c.SetReadDeadline(time.Time{})
	}
	return n, err
}

// enter finds out who asks and whether that may be answered.
func (s *Server) enter(r *http.Request, route *Route) (*Principal, *Problem) {
	if route.Open {
		return nil, nil
	}
	p, err := s.authenticate(r)
	if err != nil {
		if s.cfg.Failed != nil {
			s.cfg.Failed(r, err)
		}
		return nil, unauthorized()
	}
	if s.cfg.Admit != nil {
		if problem := s.cfg.Admit(p); problem != nil {
			return nil, problem
		}
	}
	return p, nil
}

// failed answers with a handler's error, unless it has answered already.
func (s *Server) failed(a *answer, r *http.Request, route *Route, who *Principal, err error) {
	if p, ok := errors.AsType[*Problem](err); ok && a.status == 0 {
		if p.Status == http.StatusNotFound && who != nil && s.cfg.Refused != nil {
			s.cfg.Refused(who, p.Code)
		}
		WriteProblem(a, r, p)
		return
	}
	if r.Context().Err() == nil {
		s.cfg.Log.Error("an HTTP request failed", zap.String("operation", route.Operation.ID), zap.Error(err))
	}
	a.fail(r)
}

func (s *Server) undescribed(route *Route, status int) {
	if s.cfg.Undescribed != nil {
		s.cfg.Undescribed(route, status)
		return
	}
	s.cfg.Log.Warn("an HTTP answer is not described", zap.String("operation", route.Operation.ID), zap.Int("status", status))
}

// answer knows the status that was written.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController: flushing and deadlines.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// fail answers 500 if nothing was answered.
func (a *answer) fail(r *http.Request) {
	if a.status == 0 {
		WriteProblem(a, r, NewProblem(http.StatusInternalServerError, refusal.Internal))
	}
}
