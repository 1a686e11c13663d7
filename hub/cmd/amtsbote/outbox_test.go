package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
