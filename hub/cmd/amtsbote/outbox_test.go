package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amtsbote/amtsbote/adapters/postgres/pgtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

var sqlBlock = regexp.MustCompile("(?s)```sql\n-- ([a-z]+\\.sql|in another terminal[^\n]*)\n(.*?)```")

// postgresStory is the walk-through of adapters/postgres/README.md: its tables in a
// database of the test's, its directory in a folder.
type postgresStory struct {
	t      *testing.T
	server *pgtest.Cluster
	insert string // the row of the README
}

func newPostgresStory(t *testing.T, more ...string) *postgresStory {
	t.Helper()
	s := &postgresStory{t: t, server: pgtest.New(t, more...)}
	s.sql("postgres", "CREATE DATABASE verbund")
	found := 0
	for _, block := range sqlBlock.FindAllStringSubmatch(s.readme(), -1) {
		found++
		if strings.HasSuffix(block[1], ".sql") {
			s.sql("verbund", block[2])
			continue
		}
		s.insert = block[2]
	}
	if found != 3 || s.insert == "" {
		t.Fatalf("%d blocks of SQL in the README", found)
	}
	return s
}

func (s *postgresStory) readme() string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "adapters", "postgres", "README.md"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// directory writes the README's directory to dir.
func (s *postgresStory) directory(dir string) {
	s.t.Helper()
	for _, block := range yamlBlock.FindAllStringSubmatch(s.readme(), -1) {
		file := filepath.Join(dir, filepath.FromSlash(block[1]))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			s.t.Fatal(err)
		}
		text := strings.ReplaceAll(block[2], "/run/postgresql", s.server.Dir)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *postgresStory) sql(database, text string) {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	conn, err := pgx.Connect(ctx, s.server.DSN(database))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *postgresStory) count(query string) int {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	conn, err := pgx.Connect(ctx, s.server.DSN("verbund"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var n int
	if err := conn.QueryRow(ctx, query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// TestOutboxThroughTheHub: eight writers with slow transactions and rollbacks; the
// hub, adapters and all, is killed by SIGKILL at random, and the database crashes.
// Every committed row lies in the receiver's inbox, once, in the order of its
// aggregate.
func TestOutboxThroughTheHub(t *testing.T) {
	if raced.On {
		t.Skip("the hub is a process of its own: the adapter's own tests look for races")
	}
	t.Parallel()
	const kills = 2
	rows := pgtest.Rows(t, 400)
	bin := buildHub(t)
	s := newPostgresStory(t)
	h := newHost(t, bin, "")
	if err := os.RemoveAll(h.fed); err != nil {
		t.Fatal(err)
	}
	s.directory(h.fed)
	if code, out := check(t, h.fed); code != 0 || !strings.Contains(out, "0 errors") {
		t.Fatalf("check: %d %s", code, out)
	}
	h.start()
	s.sql("verbund", s.insert)
	eventually(t, "the README's row to arrive", func() error {
		if n := s.count("SELECT count(*) FROM inbox WHERE type = 'de.gebuehr.bezahlt.v1' AND data->>'kassenzeichen' = '9100.2026.0044107'"); n != 1 {
			return fmt.Errorf("%d rows", n)
		}
		return nil
	})
	s.sql("verbund", "TRUNCATE inbox; DELETE FROM outbox")

	office := &pgtest.Office{
		DSN: s.server.DSN("verbund"), Schema: "public", Wanted: int64(rows), Type: "GebuehrBezahlt",
		Payload: `jsonb_build_object('vorgang', jsonb_build_object('id', md5($1::text)), 'kassenzeichen', n::text, 'betrag', jsonb_build_object('cent', $1::int, 'waehrung', 'EUR'), 'bezahlt', '2026-05-04T12:00:00+02:00')`,
	}
	if err := office.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	finished := office.Start(t.Context())
	random := rand.New(rand.NewPCG(chaosSeed(t), 1))
	crashed := false
	for n := range kills {
		step := rows * (n + 1) / (kills + 2)
		eventually(t, "rows to arrive", func() error {
			if got := s.count("SELECT count(*) FROM inbox"); got < step-random.IntN(step/2) {
				return fmt.Errorf("%d of %d", got, step)
			}
			return nil
		})
		h.kill()
		if !crashed {
			crashed = true
			if err := s.server.Stop(syscall.SIGQUIT); err != nil {
				t.Fatal(err)
			}
			if err := s.server.Start(); err != nil {
				t.Fatal(err)
			}
		}
		h.start()
	}
	if err := finished(); err != nil {
		t.Fatal(err)
	}
	want := s.count("SELECT count(*) FROM outbox")
	last := -1
	for stale := time.Now(); ; {
		got := s.count("SELECT count(*) FROM inbox")
		if got >= want {
			break
		}
		if got != last {
			last, stale = got, time.Now()
		}
		if time.Since(stale) > patience {
			t.Fatalf("%d of %d rows arrived", got, want)
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Logf("%d rows in %v, with %d kills and a crash of the database", want, time.Since(began).Round(time.Millisecond), kills)
	h.stop()
	for what, query := range map[string]string{
		"rows in the inbox that are not in the outbox": "SELECT count(*) FROM inbox i WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.id::text = i.event_id)",
		"rows of the outbox that are not in the inbox": "SELECT count(*) FROM outbox o WHERE NOT EXISTS (SELECT FROM inbox i WHERE o.id::text = i.event_id)",
		"events twice in the inbox":                    "SELECT count(*) - count(DISTINCT event_id) FROM inbox",
		"events out of the order of their aggregate": `SELECT count(*) FROM (SELECT (data->>'kassenzeichen')::int AS n,
  row_number() OVER (PARTITION BY data->'vorgang' ORDER BY seq) AS place FROM inbox) x WHERE n <> place`,
	} {
		if n := s.count(query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}

// TestOutboxCheck runs the command on a Debezium table, and on the README's.
func TestOutboxCheck(t *testing.T) {
	raced.Alone(t)
	t.Parallel()
	s := newPostgresStory(t, "-c", "fsync=on")
	s.sql("verbund", `CREATE TABLE outboxevent (id uuid NOT NULL PRIMARY KEY, aggregatetype varchar(255) NOT NULL,
aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL, payload jsonb)`)
	outbox := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(append([]string{"outbox", "check"}, args...), &out, &errs); code != want {
			t.Errorf("exit code %d, want %d: %s%s", code, want, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	dsn := fmt.Sprintf("host=%s dbname=verbund user=amtsbote_outbox", s.server.Dir)
	out := outbox(1, dsn)
	for _, part := range []string{"table public.outboxevent: rows stay", "loses the rows of every transaction that commits late", "ADD COLUMN xid xid8"} {
		if !strings.Contains(out, part) {
			t.Errorf("no %q in: %s", part, out)
		}
	}
	out = outbox(0, dsn, "--table", "public.outbox")
	if strings.Contains(out, "error:") || strings.Contains(out, "may do more") {
		t.Errorf("the README's table: %s", out)
	}
	// what it prints mends it
	_, sql, _ := strings.Cut(outbox(1, s.server.DSN("verbund"), "--table", "outboxevent"), "after reading:\n")
	for line := range strings.Lines(sql) {
		if strings.HasPrefix(line, "ALTER TABLE") || strings.HasPrefix(line, "CREATE INDEX") || strings.HasPrefix(line, "CREATE FUNCTION") || strings.HasPrefix(line, "CREATE TRIGGER") {
			s.sql("verbund", line)
		}
	}
	if out := outbox(0, s.server.DSN("verbund"), "--table", "outboxevent"); strings.Contains(out, "poll") || strings.Contains(out, "index") {
		t.Errorf("after the SQL: %s", out)
	}
	if out := outbox(1, "host=/nirgends user=x password=geheim dbname=y"); strings.Contains(out, "geheim") || !strings.Contains(out, "connect to the database") {
		t.Errorf("no server: %s", out)
	}
	if out := outbox(1, "port=x password=geheim"); strings.Contains(out, "geheim") || !strings.Contains(out, "DSN cannot be read") {
		t.Errorf("no DSN: %s", out)
	}
}
