package postgres_test

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
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// patience is how long something may take that must happen; the machine may be busy.
const patience = 2 * time.Minute

// cluster is a PostgreSQL server of the tests' own, reached by a Unix socket.
type cluster struct {
	bin, dir string // dir holds the socket, and data
	more     []string
	server   *exec.Cmd
	drained  chan struct{}
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

func needBinaries(t testing.TB) string {
	t.Helper()
	bin, err := binaries()
	switch {
	case err != nil && os.Getenv("AMTSBOTE_INTEROP") == "must":
		t.Fatalf("%v, and AMTSBOTE_INTEROP=must", err)
	case err != nil:
		t.Skipf("SKIPPED: %v, PostgreSQL was not tried (tools/prepare.sh installs it)", err)
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

func newCluster(bin string, more ...string) (*cluster, error) {
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
	return &cluster{bin: bin, dir: dir, more: more}, nil
}

// make initialises an empty cluster.
func (c *cluster) make() error {
	return c.run("initdb", "-D", c.data(), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) run(name string, args ...string) error {
	cmd, err := as(exec.Command(filepath.Join(c.bin, name), args...))
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// start starts the server and waits until it can be asked.
func (c *cluster) start() error {
	args := append([]string{"-D", c.data(), "-k", c.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=32MB",
		"-c", "max_connections=60", "-c", "max_prepared_transactions=5", "-c", "wal_level=replica", "-c", "log_min_messages=log"}, c.more...)
	cmd, err := as(exec.Command(filepath.Join(c.bin, "postgres"), args...))
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
		_ = c.end(syscall.SIGQUIT)
		return fmt.Errorf("the server does not start: %s", strings.Join(log, "\n"))
	}
	return nil
}

// end stops the server: by SIGINT in order, by SIGQUIT as in a crash.
func (c *cluster) end(s syscall.Signal) error {
	if c.server == nil {
		return nil
	}
	err := c.server.Process.Signal(s)
	<-c.drained
	_ = c.server.Wait() // after SIGQUIT it says 1
	c.server = nil
	return err
}

func (c *cluster) remove() {
	_ = c.end(syscall.SIGQUIT)
	_ = os.RemoveAll(c.dir)
}

func (c *cluster) dsn(database string) string {
	return fmt.Sprintf("host=%s dbname=%s user=postgres", c.dir, database)
}

// dial gives a connection until the test ends.
func (c *cluster) dial(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// own is a cluster for one test that does things to it.
func own(t testing.TB, more ...string) *cluster {
	t.Helper()
	c, err := newCluster(needBinaries(t), more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.remove)
	if err := c.make(); err != nil {
		t.Fatal(err)
	}
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// The cluster that tests share, each with a schema of its own.
var shared struct {
	sync.Once

	c   *cluster
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.c != nil {
		shared.c.remove()
	}
	os.Exit(code)
}

func common(t testing.TB) *cluster {
	t.Helper()
	bin := needBinaries(t)
	shared.Do(func() {
		if shared.c, shared.err = newCluster(bin); shared.err != nil {
			return
		}
		if shared.err = shared.c.make(); shared.err == nil {
			shared.err = shared.c.start()
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.c
}

var schemas atomic.Int64

// room is a schema with tables of one application.
type room struct {
	t       testing.TB
	c       *cluster
	conn    *pgx.Conn
	schema  string
	dir     string
	more    string // settings
	adapter string
}

func newRoom(t testing.TB, c *cluster) *room {
	t.Helper()
	r := &room{t: t, c: c, conn: c.dial(t, c.dsn("postgres")), schema: fmt.Sprintf("s%d", schemas.Add(1)), dir: t.TempDir()}
	r.exec("CREATE SCHEMA " + r.schema)
	return r
}

func (r *room) exec(sql string, args ...any) {
	r.t.Helper()
	if err := r.try(sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) try(sql string, args ...any) error {
	_, err := r.conn.Exec(context.WithoutCancel(r.t.Context()), strings.ReplaceAll(sql, "S.", r.schema+"."), args...)
	return err
}

const outboxTable = `CREATE TABLE S.outbox (
  id uuid NOT NULL PRIMARY KEY, aggregatetype varchar(255) NOT NULL, aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL,
  payload jsonb, headers jsonb NOT NULL DEFAULT '{}', occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  seq bigint GENERATED ALWAYS AS IDENTITY, xid xid8 NOT NULL DEFAULT pg_current_xact_id())`

func (r *room) outbox() {
	r.t.Helper()
	r.exec(outboxTable)
	r.exec("CREATE INDEX ON S.outbox (xid, seq)")
}

func (r *room) database() string {
	return "database: {hosts: [" + r.c.dir + "], name: postgres, user: postgres}\n"
}

func (r *room) settings() string {
	return r.database() + "table: " + r.schema + ".outbox\nsource: urn:test:a\npoll: 5ms\n" + r.more
}

func (r *room) env() hub.Env {
	env := adaptertest.Env(r.dir)
	env.Federation = r.dir
	return env
}

func (r *room) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}
