package bus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
)

// Domain is the JetStream domain of the hub.
const Domain = accounts.Domain

// Embedded says how the server inside the process runs.
type Embedded struct {
	// Dir is the data directory, absolute; the store lies in Dir/jetstream.
	Dir string
	// Listen is host:port, "" for no listener at all. Without TLS the host must be the
	// loopback interface.
	Listen string
	// TLS is how the listener shows who it is; nil for none.
	TLS *tls.Config
	// MaxStore is what JetStream may use on disk, in bytes.
	MaxStore int64
	// Mailboxes are what the local credential may not touch.
	Mailboxes MailboxOwners
	// Organisations are those that may connect, each by an account of its own: to the
	// embedded server once Admit was called.
	Organisations []accounts.Organisation
	// Spare is where spares of small files are kept that much depends on; "" keeps
	// none.
	Spare string
	// AllowTemp permits a store below the temporary directory, whose content an
	// operating system may clear: only for demonstrations and tests.
	AllowTemp bool
}

// MailboxOwners are the applications that have a mailbox: all, and those whose
// copies the hub hands out itself.
type MailboxOwners struct{ All, Sinks []string }

// Server is the NATS server inside the process.
type Server struct {
	dir        string // the data directory
	spare      string // where spares of settings and keys lie
	listens    bool   // others than the process itself can connect
	log        *zap.Logger
	mu         sync.Mutex // guards ns and opts, which Restart replaces
	ns         *server.Server
	opts       *server.Options
	book       *accounts.Book
	user       string        // JWT of the hub's own user, which lives as long as the process
	key        nkeys.KeyPair // of that user
	violations violations
	socket     *socket // nil without TLS
}

// startWait is how long the server may take to recover its store.
const startWait = 10 * time.Minute

// StartEmbedded starts the server: JetStream with synced writes and an
// encrypted store, accounts for organisations and one local credential, nothing
// else (facts: the server's own defaults are unsafe). Organisations stay outside
// until Admit: what they sent might lie in a stream that is still being compared, and
// what they acknowledge nobody hears yet.
func StartEmbedded(cfg Embedded, log *zap.Logger) (*Server, error) {
	if err := checkDir(cfg); err != nil {
		return nil, err
	}
	storeKey, err := secret(filepath.Join(cfg.Dir, "store.key"))
	if err != nil {
		return nil, err
	}
	book, err := accounts.Open(cfg.Dir, cfg.Spare, "")
	if err != nil {
		return nil, err
	}
	book.Shut(true)
	if err := know(book, cfg.Organisations); err != nil {
		return nil, err
	}
	opts, err := options(cfg, storeKey, book)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: cfg.Dir, spare: cfg.Spare, listens: cfg.Listen != "", log: log.Named("nats"), opts: opts, book: book}
	if opts.JetStreamCipher, err = s.storeCipher(); err != nil {
		return nil, fmt.Errorf("look by which cipher the store is encrypted: %w", err)
	}
	if err := s.writeLocal(cfg.Mailboxes); err != nil {
		return nil, err
	}
	if s.user, s.key, err = book.HubUser(); err != nil {
		return nil, err
	}
	if err := s.run(); err != nil {
		return nil, err
	}
	if opts.TLSConfig != nil {
		if err := s.listenSocket(); err != nil {
			s.Stop()
			return nil, err
		}
	}
	return s, nil
}

func options(cfg Embedded, storeKey string, book *accounts.Book) (opts *server.Options, err error) {
	opts = &server.Options{
		ServerName:        "amtsbote",
		JetStream:         true,
		JetStreamDomain:   Domain,
		StoreDir:          cfg.Dir,
		JetStreamMaxStore: cfg.MaxStore,
		JetStreamKey:      storeKey,
		SyncAlways:        synced(),
		// each mailbox is a consumer of OUT; the server's own limit is 1000 a stream
		JetStreamLimits: server.JSLimitOpts{DefaultMaxConsumers: -1},
		MaxPayload:      MaxPayload,
		NoSigs:          true,
		DontListen:      cfg.Listen == "",
		// the first PING would come while a busy server still answers CONNECT, which
		// nats.go takes for a broken server
		DisableShortFirstPing: true,
		// decentralised JWT: whoever has no user JWT of an account of the book is
		// refused
		TrustedOperators: []*jwt.OperatorClaims{jwt.NewOperatorClaims(book.Operator())},
		SystemAccount:    book.System(),
		AccountResolver:  resolver{book},
	}
	if cfg.Listen == "" {
		return opts, nil
	}
	if cfg.TLS != nil {
		opts.TLS, opts.TLSConfig, opts.TLSTimeout = true, strictTLS(cfg.TLS), tlsTimeout.Seconds()
		opts.TLSVerify = cfg.TLS.ClientCAs != nil
	}
	opts.Host, opts.Port, err = address(cfg.Listen, cfg.TLS != nil)
	return opts, err
}

const tlsTimeout = 5 * time.Second

// strictTLS is TLS 1.3 (TR-02102-2), with a client certificate where there is an
// authority for them.
func strictTLS(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.MinVersion = tls.VersionTLS13
	if c.ClientCAs != nil {
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c
}

// address refuses every listener that others could reach without TLS.
func address(listen string, encrypted bool) (string, int, error) {
	host, portText, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("listen address %q: %w", listen, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < -1 || port > 65535 {
		return "", 0, fmt.Errorf("listen address %q: no such port", listen)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	ip := net.ParseIP(host)
	if !encrypted && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, fmt.Errorf("listen address %q can be reached from other machines: give a certificate and its key (--tls-cert, --tls-key), or listen on loopback", listen)
	}
	return host, port, nil
}

func checkDir(cfg Embedded) error {
	if !filepath.IsAbs(cfg.Dir) {
		return fmt.Errorf("data directory %q must be absolute", cfg.Dir)
	}
	tmp := filepath.Clean(os.TempDir())
	if rel, err := filepath.Rel(tmp, cfg.Dir); err == nil && filepath.IsLocal(rel) && !cfg.AllowTemp {
		return fmt.Errorf("data directory %s lies below the temporary directory %s, which the system may clear: choose another", cfg.Dir, tmp)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	return os.Chmod(cfg.Dir, 0o700) //nolint:gosec // a directory needs x
}

// verify compares what is in effect with what the promises need.
func (s *Server) verify() error {
	c := s.ns.JetStreamConfig()
	switch {
	case c == nil:
		return errors.New("JetStream is not running")
	case c.SyncAlways != synced():
		return errors.New("JetStream does not sync every write")
	case !c.Strict:
		return errors.New("JetStream's API is not strict")
	case c.Domain != Domain:
		return fmt.Errorf("JetStream's domain is %q, must be %q", c.Domain, Domain)
	}
	return nil
}

// URL is where the server listens; "" when it does not.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.ns.Addr(); a != nil {
		if s.opts.TLSConfig != nil {
			return "tls://" + a.String()
		}
		return "nats://" + a.String()
	}
	return ""
}

// Stop ends the server and waits for it.
func (s *Server) Stop() {
	s.socket.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}
