package postgres_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/postgres/pgtest"
	"github.com/amtsbote/amtsbote/hub"
)

// patience is how long something may take that must happen; the machine may be busy.
const patience = 2 * time.Minute

// The cluster that tests share, each with a schema of its own.
var shared struct {
	sync.Once

	c   *pgtest.Cluster
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.c != nil {
		shared.c.Remove()
	}
	os.Exit(code)
}

func common(t testing.TB) *pgtest.Cluster {
	t.Helper()
	bin := pgtest.Binaries(t)
	shared.Do(func() { shared.c, shared.err = pgtest.Open(bin) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.c
}

var schemas atomic.Int64

// room is a schema with tables of one application.
type room struct {
	t      testing.TB
	c      *pgtest.Cluster
	conn   *pgx.Conn
	schema string
	dir    string
	more   string      // settings
	window int         // rows of a window; 0: the default
	log    *zap.Logger // nil: the test's
}

func newRoom(t testing.TB, c *pgtest.Cluster) *room {
	t.Helper()
	r := &room{t: t, c: c, conn: c.Dial(t, c.DSN("postgres")), schema: fmt.Sprintf("s%d", schemas.Add(1)), dir: t.TempDir()}
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
	return "database: {hosts: [" + r.c.Dir + "], name: postgres, user: postgres}\n"
}

func (r *room) settings() string {
	db := r.database()
	if strings.Contains(r.more, "database:") {
		db = ""
	}
	return db + "table: " + r.schema + ".outbox\nsource: urn:test:a\npoll: 5ms\n" + r.more
}

func (r *room) env() hub.Env {
	env := adaptertest.Env(r.dir)
	if env.Log = r.log; r.log == nil {
		env.Log = zaptest.NewLogger(r.t, zaptest.Level(zap.WarnLevel))
	}
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
