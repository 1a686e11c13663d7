// Package pgtest starts PostgreSQL servers for tests: Debian's binaries, a cluster of
// its own in a temporary folder, reached by a Unix socket.
package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

// Cluster is a PostgreSQL server of the tests' own, reached by a Unix socket.
type Cluster struct {
	bin string
	// Dir holds the socket, and the data.
	Dir     string
	more    []string
	server  *exec.Cmd
	drained chan struct{}
}

// binaries finds Debian's PostgreSQL.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no initdb in /usr/lib/postgresql")
	}
	if err != nil {
		return "", err
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// Binaries gives the folder of the server's programs; without them the test is
// skipped, visibly, or fails with AMTSBOTE_INTEROP=must.
func Binaries(t testing.TB) string {
	t.Helper()
	bin, err := binaries()
	if err != nil {
		interop.Missing(t, "PostgreSQL ("+err.Error()+"; tools/prepare.sh installs it)")
	}
	return bin
}

// as has a command run as user postgres where the test is root, since the server
// refuses root.
func as(cmd *exec.Cmd) (*exec.Cmd, error) {
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return cmd, nil
	}
	uid, gid, err := serverUser()
	if err == nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return cmd, err
}

func serverUser() (uid, gid uint32, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return 0, 0, err
	}
	n, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return 0, 0, err
	}
	g, err := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(n), uint32(g), err
}

// forget takes settings for PostgreSQL (PGPORT, PGOPTIONS …) out of the environment
// of the test: its servers are its own.
func forget() error {
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "PG") {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func newCluster(bin string, more ...string) (*Cluster, error) {
	if err := forget(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		uid, gid, err := serverUser()
		if err != nil {
			return nil, err
		}
		if err := os.Chown(dir, int(uid), int(gid)); err != nil {
			return nil, err
		}
	}
	return &Cluster{bin: bin, Dir: dir, more: more}, nil
}

// init makes an empty cluster.
func (c *Cluster) init() error {
	return c.Run("initdb", "-D", c.Data(), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
}

// Data is the folder with the cluster's files.
func (c *Cluster) Data() string { return filepath.Join(c.Dir, "data") }

// Run runs one of PostgreSQL's programs as the server's user.
func (c *Cluster) Run(name string, args ...string) error {
	cmd, err := as(exec.Command(filepath.Join(c.bin, name), args...)) //nolint:gosec // a test's own commands
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// Start starts the server and waits until it can be asked.
func (c *Cluster) Start() error {
	args := append([]string{
		"-D", c.Data(), "-k", c.Dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=32MB",
		"-c", "max_connections=60", "-c", "max_prepared_transactions=5", "-c", "wal_level=replica", "-c", "log_min_messages=log",
	}, c.more...)
	cmd, err := as(exec.Command(filepath.Join(c.bin, "postgres"), args...)) //nolint:gosec // a test's own commands
	if err != nil {
		return err
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(said)
	var log []string
	ready := false
	for !ready && lines.Scan() {
		log = append(log, lines.Text())
		ready = strings.Contains(lines.Text(), "ready to accept")
	}
	c.drained = make(chan struct{})
	go func() {
		defer close(c.drained)
		for lines.Scan() { // it stops when nobody reads
		}
	}()
	c.server = cmd
	if !ready {
		_ = c.Stop(syscall.SIGQUIT)
		return fmt.Errorf("the server does not start: %s", strings.Join(log, "\n"))
	}
	return nil
}

// Stop stops the server: by SIGINT in order, by SIGQUIT as in a crash.
func (c *Cluster) Stop(s syscall.Signal) error {
	if c.server == nil {
		return nil
	}
	err := c.server.Process.Signal(s)
	<-c.drained
	_ = c.server.Wait() // after SIGQUIT it says 1
	c.server = nil
	return err
}

// Remove ends the server and removes all of it.
func (c *Cluster) Remove() {
	_ = c.Stop(syscall.SIGQUIT)
	_ = os.RemoveAll(c.Dir)
}

// DSN is how its superuser gets to a database.
func (c *Cluster) DSN(database string) string {
	return fmt.Sprintf("host=%s port=5432 sslmode=disable dbname=%s user=postgres", c.Dir, database)
}

// Dial gives a connection until the test ends.
func (c *Cluster) Dial(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// New starts a server until the test ends; more are further arguments of it.
func New(t testing.TB, more ...string) *Cluster {
	t.Helper()
	c, err := Open(Binaries(t), more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Remove)
	return c
}

// Open starts a server; whoever calls it removes it.
func Open(bin string, more ...string) (*Cluster, error) {
	c, err := newCluster(bin, more...)
	if err != nil {
		return nil, err
	}
	if err = c.init(); err == nil {
		err = c.Start()
	}
	if err != nil {
		c.Remove()
		return nil, err
	}
	return c, nil
}

// Standby makes a standby that follows, and starts it; whoever calls it removes it.
func (c *Cluster) Standby() (*Cluster, error) {
	s, err := newCluster(c.bin, c.more...)
	if err != nil {
		return nil, err
	}
	if err = s.Run("pg_basebackup", "-h", c.Dir, "-U", "postgres", "-D", s.Data(), "-R", "-c", "fast", "--no-sync"); err == nil {
		err = s.Start()
	}
	if err != nil {
		s.Remove()
		return nil, err
	}
	return s, nil
}

// Own gives files to the server's user.
func (c *Cluster) Own(files ...string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := serverUser()
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := os.Chown(file, int(uid), int(gid)); err != nil {
			return err
		}
	}
	return nil
}

// Also adds arguments of the server for its next start.
func (c *Cluster) Also(more ...string) { c.more = append(c.more, more...) }
