package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/zap"
)

// Domain is the JetStream domain of the hub.
const Domain = "hub"

// Embedded says how the server inside the process runs.
type Embedded struct {
	// Dir is the data directory, absolute; the store lies in Dir/jetstream.
	Dir string
	// Listen is host:port on the loopback interface, "" for no listener at all.
	Listen string
	// MaxStore is what JetStream may use on disk, in bytes.
	MaxStore int64
	// Mailboxes are what the local credential may not touch.
	Mailboxes MailboxOwners
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
	log        *zap.Logger
	mu         sync.Mutex // guards ns and opts, which Restart replaces
	ns         *server.Server
	opts       *server.Options
	hub, local nkeys.KeyPair // the hub's own user lives as long as the process
}

// startWait is how long the server may take to recover its store.
const startWait = 10 * time.Minute

// StartEmbedded starts the server: JetStream with synced writes and an
// encrypted store, in-process connections and one local credential, nothing
// else (facts: the server's own defaults are unsafe).
func StartEmbedded(cfg Embedded, log *zap.Logger) (*Server, error) {
	if err := checkDir(cfg); err != nil {
		return nil, err
	}
	storeKey, err := secret(filepath.Join(cfg.Dir, "store.key"))
	if err != nil {
		return nil, err
	}
	local, err := localUser(cfg.Dir)
	if err != nil {
		return nil, err
	}
	own, err := nkeys.CreateUser()
	if err != nil {
		return nil, fmt.Errorf("make the hub's own key: %w", err)
	}
	opts, err := options(cfg, storeKey, own, local)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: cfg.Dir, spare: cfg.Spare, log: log.Named("nats"), opts: opts, hub: own, local: local}
	if err := s.run(); err != nil {
		return nil, err
	}
	return s, nil
}

func options(cfg Embedded, storeKey string, own, local nkeys.KeyPair) (*server.Options, error) {
	users, err := users(own, local, cfg.Mailboxes)
	if err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName:        "amtsbote",
		JetStream:         true,
		JetStreamDomain:   Domain,
		StoreDir:          cfg.Dir,
		JetStreamMaxStore: cfg.MaxStore,
		JetStreamKey:      storeKey,
		JetStreamCipher:   server.ChaCha,
		SyncAlways:        synced(),
		// each mailbox is a consumer of OUT; the server's own limit is 1000 a stream
		JetStreamLimits: server.JSLimitOpts{DefaultMaxConsumers: -1},
		MaxPayload:      MaxPayload,
		NoSigs:          true,
		DontListen:      cfg.Listen == "",
		Nkeys:           users,
	}
	if cfg.Listen == "" {
		return opts, nil
	}
	opts.Host, opts.Port, err = loopback(cfg.Listen)
	return opts, err
}

// loopback refuses every listener that others could reach: TLS and accounts
// come first.
func loopback(listen string) (string, int, error) {
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
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, fmt.Errorf("listen address %q: only loopback addresses are allowed, since this version has no TLS and no accounts for organisations yet; use an external NATS server (--nats) to be reached from other machines", listen)
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

// Permit makes the local credential's rights follow the mailboxes that there are
// now. The hub's own connection goes on.
func (s *Server) Permit(m MailboxOwners) error {
	users, err := users(s.hub, s.local, m)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	opts := s.opts.Clone()
	opts.Nkeys = users
	if err := s.ns.ReloadOptions(opts); err != nil {
		return fmt.Errorf("change the rights of the local credential: %w", err)
	}
	s.opts = opts
	return nil
}

// Connect joins the server in-process.
func (s *Server) Connect(ctx context.Context, log *zap.Logger) (*Bus, error) {
	pub, err := s.hub.PublicKey()
	if err != nil {
		return nil, err
	}
	return dial(ctx, "", log, nats.InProcessServer(s), nats.Nkey(pub, s.hub.Sign))
}

// URL is where the server listens; "" when it does not.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.ns.Addr(); a != nil {
		return "nats://" + a.String()
	}
	return ""
}

// Stop ends the server and waits for it.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}
