package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// Fault is what is wrong with a stream of the embedded server.
type Fault struct {
	Stream string // "" for the server as a whole
	Reason string // the server's words; no payload
	// Full means that the disk had no room. Anything else may mean that the disk
	// is failing.
	Full bool
}

// Faults lists what has stopped taking writes. A stream whose write or sync
// failed answers nobody any more, also when the cause is gone, until the server
// starts anew; nothing that was acknowledged is lost.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	ns := s.ns
	s.mu.Unlock()
	// a stream that is being made may look as if it could not be recovered
	return slices.DeleteFunc(faults(ns), func(f Fault) bool { return !strings.Contains(f.Reason, "write error") })
}

// faults lists all that the server finds wrong with its store. It keeps the
// cause as text, and judges a full disk by the same words.
func faults(ns *server.Server) (out []Fault) {
	for _, e := range ns.Healthz(&server.HealthzOptions{Details: true}).Errors {
		out = append(out, Fault{e.Stream, e.Error, strings.Contains(e.Error, "no space left")})
	}
	return out
}

// Room tells how large the file system of the data directory is and how much of
// it is free, in bytes.
func (s *Server) Room() (total, free int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(s.dir, &st); err != nil {
		return 0, 0, fmt.Errorf("look at the disk of the data directory: %w", err)
	}
	block := int64(st.Bsize)
	return int64(st.Blocks) * block, int64(st.Bavail) * block, nil //nolint:gosec // no disk is so large
}

// Restart ends the server and starts it again on the same store and address.
// Connections, the hub's own too, come back by themselves. After an error the
// server is gone. Of the streams named it goes by what their blocks hold, not by
// what it remembers of them.
func (s *Server) Restart(damaged ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	opts := s.opts.Clone()
	if a, ok := s.ns.Addr().(*net.TCPAddr); ok {
		opts.Port = a.Port // a random one stays what it was
	}
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
	s.opts = opts
	for _, stream := range damaged {
		if err := os.Remove(filepath.Join(s.streamDir(stream), "msgs", "index.db")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("start the NATS server again: %w", err)
		}
	}
	if err := s.run(); err != nil {
		return fmt.Errorf("start the NATS server again: %w", err)
	}
	return nil
}

// run starts a server with s.opts; once more when settings of streams could be
// put back without which it could not recover them, and when what it could not
// recover and holds nothing was set aside.
func (s *Server) run() error {
	err := s.runOnce()
	if damaged, ok := errors.AsType[DamagedError](err); ok {
		done, backErr := s.putBackSettings(damaged.Streams)
		if backErr != nil {
			return errors.Join(err, backErr)
		}
		if done {
			err = s.runOnce()
		}
	}
	if damaged, ok := errors.AsType[DamagedError](err); ok && len(damaged.Empty) == len(damaged.Streams) {
		if err := s.setStreamsAside(damaged.Empty); err != nil {
			return err
		}
		err = s.runOnce()
	}
	if err != nil {
		return err
	}
	left, err := s.unrecovered()
	if err != nil || len(left) == 0 {
		return err
	}
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
	if err := s.setAside(left); err != nil {
		return err
	}
	return s.runOnce()
}

func (s *Server) runOnce() error {
	if err := errors.Join(s.putBackKeys(), s.foreign(), removeUnfinished(s.opts.StoreDir, s.spare)); err != nil {
		return err
	}
	short, err := s.unopenable()
	if err = errors.Join(err, s.setAside(short)); err != nil {
		return err
	}
	opts := s.opts.Clone()
	opts.TrustedKeys = nil // the server fills them in, and refuses what it has filled in
	opts.DontListen = true // before the accounts are there
	ns, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("set up the NATS server: %w", err)
	}
	var fatal atomic.Value
	ns.SetLoggerV2(&serverLog{s.log, &s.violations, &fatal}, false, false, false)
	ns.Start()
	s.ns = ns
	if !ns.ReadyForConnections(startWait) {
		err = errors.New("the NATS server did not become ready")
	} else if _, err = ns.LookupAccount(s.book.Hub()); err != nil { // its store is recovered now
		err = fmt.Errorf("open the account of the hub: %w", err)
	} else if err = s.verify(); err == nil {
		err = undamaged(ns, s.opts.StoreDir)
	}
	if err == nil {
		err = s.listen()
	}
	if said, ok := fatal.Load().(string); ok && err != nil {
		err = fmt.Errorf("%w (%s)", err, said)
	}
	if err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
	}
	return err
}

// listen lets clients come to the address of s.opts, if there is one.
func (s *Server) listen() error {
	s.loadAccounts()
	if !s.listens {
		return nil
	}
	s.ns.AcceptLoop(make(chan struct{}))
	if s.ns.Addr() == nil {
		return errors.New("the NATS server cannot listen")
	}
	return nil
}

// loadAccounts has the server know the accounts that clients can connect to before
// they do. While it makes an account because of a client, it knows no limits of it yet,
// and lets others in that come at the same time: also those that are shut out
// (nats-server 2.15, accounts.go, buildInternalAccount).
func (s *Server) loadAccounts() {
	for _, account := range s.book.InUse() {
		if _, err := s.ns.LookupAccount(account); err != nil {
			s.log.Warn("an account is not usable", zap.String("account", account), zap.Error(err))
		}
	}
}

// InProcessConn implements nats.InProcessConnProvider: a connection that comes
// back finds the server that runs then.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ns.InProcessConn()
}
