// Package console is the steward's console: pages rendered on the server from
// html/template, with every asset embedded, that need no script but for their live
// parts (ADR 19, README.md). It shows what other rooms know and computes nothing a
// second time.
package console

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
)

// Config says what is served, and to whom.
type Config struct {
	// Listen is host:port; port 0 takes a free one. Beyond loopback TLS must be set, and
	// Login.
	Listen string
	TLS    *tls.Config
	// URL is where browsers reach the console, https unless on loopback; "": at Listen.
	URL string
	// Login is by OpenID Connect; nil: one person on this machine, by a link that works
	// once.
	Login *Login
	// Person on this machine, for the trail; used without Login.
	Person string
	Hub    Hub
	Now    func() time.Time
	Log    *zap.Logger
}

// Server answers until Close.
type Server struct {
	cfg      Config
	base     *url.URL
	pages    *pages
	sessions sessions
	links    links
	logins   *logins
	denials  limiter
	drafts   drafts
	followed live
	board    board
	feed     feed

	http   *http.Server
	listen net.Listener
	done   sync.WaitGroup
	ending context.Context
	end    context.CancelFunc
}

// Limits of the server.
const (
	readTimeout  = 20 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = 2 * time.Minute
	maxHeader    = 32 << 10
	maxForm      = 4 << 20 // an edited event
	closeWait    = 2 * time.Second
)

// Start listens and serves. Nothing runs after an error.
func Start(cfg Config) (s *Server, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s = &Server{cfg: cfg, sessions: sessions{now: cfg.Now}, links: links{now: cfg.Now}, denials: limiter{now: cfg.Now}, drafts: drafts{now: cfg.Now}}
	s.board.turn, s.feed.turn = make(chan struct{}, 1), make(chan struct{}, 1)
	if s.pages, err = newPages(); err != nil {
		return nil, err
	}
	if s.listen, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("listen for the console: %w", err)
	}
	if s.base, err = cfg.base(s.listen); err != nil {
		return nil, errors.Join(err, s.listen.Close())
	}
	if cfg.Login != nil {
		s.logins = &logins{login: cfg.Login, callback: s.base.String() + pathCallback, now: cfg.Now}
	}
	s.ending, s.end = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: s.handler(), TLSConfig: cfg.TLS, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(io.Discard, "", 0), // it prints addresses
	}
	s.done.Go(s.run)
	return s, nil
}

func (c *Config) check() error {
	loopback := httpapi.Loopback(c.Listen)
	switch {
	case !loopback && c.TLS == nil:
		return fmt.Errorf("console address %q: without TLS only loopback addresses are allowed: give a certificate and its key (--console-cert, --console-key)", c.Listen)
	case !loopback && c.Login == nil:
		return fmt.Errorf("console address %q: beyond loopback people must log in: give --console-oidc-issuer", c.Listen)
	case c.Login != nil && c.URL == "":
		return errors.New("people who log in come back to the console's address: give it with --console-url")
	}
	return nil
}

// base is where browsers reach the console, without a slash at the end.
func (c *Config) base(l net.Listener) (*url.URL, error) {
	raw := c.URL
	if raw == "" {
		raw = "http://" + l.Addr().String()
		if c.TLS != nil {
			raw = "https://" + l.Addr().String()
		}
	}
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("address of the console: %w", err)
	case u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("address of the console %q: it is scheme and host alone, like https://konsole.example", raw)
	case u.Scheme != "https" && (u.Scheme != "http" || !httpapi.Loopback(hostPort(u))):
		return nil, fmt.Errorf("address of the console %q: https, or http on loopback", raw)
	}
	return u, nil
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

func (s *Server) run() {
	serve := func() error { return s.http.Serve(s.listen) }
	if s.cfg.TLS != nil {
		serve = func() error { return s.http.ServeTLS(s.listen, "", "") }
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		s.cfg.Log.Error("the console stopped", zap.Error(err))
	}
}

// Close stops to listen, ends what streams, and waits for what is underway.
func (s *Server) Close() error {
	s.end()
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	s.done.Wait()
	return err
}

// URL is where browsers reach the console.
func (s *Server) URL() string { return s.base.String() }

// Link makes a link that lets the person on this machine in, once; "" with Login.
func (s *Server) Link() string {
	if s.cfg.Login != nil {
		return ""
	}
	return s.base.String() + pathLink + s.links.make()
}

// secure tells whether browsers come by https.
func (s *Server) secure() bool { return s.base.Scheme == "https" }
