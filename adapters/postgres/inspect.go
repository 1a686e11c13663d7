package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Severity of what [Inspect] finds.
type Severity string

// An Error is something by which rows are lost or never read; a Warning may hold
// rows back or costs something; a Note is good to know.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Found is one thing that Inspect found: a sentence, and the SQL that changes it.
type Found struct {
	Severity Severity
	Text     string
	SQL      []string
}

// Inspection is what to look at.
type Inspection struct {
	// DSN as of libpq: "host=… dbname=… user=…" or postgres://….
	DSN string
	// Password replaces that of the DSN and the environment, unless it is "".
	Password string
	// Table is schema.table; "" looks for outbox tables by their columns.
	Table string
}

// Report is what was found about one table.
type Report struct {
	Table string
	Habit string // one sentence: what the system does with its rows
	Found []Found
}

// Bad tells whether rows are lost or never read as things are.
func (r *Report) Bad() bool {
	for _, f := range r.Found {
		if f.Severity == Error {
			return true
		}
	}
	return false
}

func (r *Report) add(s Severity, text string, sql ...string) {
	r.Found = append(r.Found, Found{s, text, sql})
}

// Print writes the report for people: sentences, then the SQL, for copying.
func (r *Report) Print(w io.Writer) {
	fmt.Fprintf(w, "table %s: %s\n", r.Table, r.Habit)
	var sql []string
	for _, f := range r.Found {
		fmt.Fprintf(w, "%s: %s\n", f.Severity, f.Text)
		sql = append(sql, f.SQL...)
	}
	if len(sql) > 0 {
		fmt.Fprintf(w, "\n-- for the owner of the database, after reading:\n%s\n", strings.Join(sql, "\n"))
	}
}

// Inspect looks at the outbox tables of a database and writes nothing. Its errors
// hold no password.
func Inspect(ctx context.Context, i Inspection) ([]*Report, error) {
	conn, err := i.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer hangUp(conn)
	names, err := i.tables(ctx, conn)
	if err != nil {
		return nil, err
	}
	var reports []*Report
	for _, name := range names {
		t, err := look(ctx, conn, name)
		if err != nil {
			return nil, err
		}
		x := &inspector{conn: conn, t: t, report: &Report{Table: name.String()}}
		if err := x.all(ctx); err != nil {
			return nil, fmt.Errorf("inspect %s: %w", name, tame(err))
		}
		reports = append(reports, x.report)
	}
	return reports, nil
}

const inspectTimeout = 30 * time.Second

func (i Inspection) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(i.DSN)
	if err != nil {
		return nil, errors.New(`the DSN cannot be read: write it like "host=db.example.org dbname=fach user=amtsbote sslmode=verify-full"`)
	}
	if i.Password != "" {
		config.Password = i.Password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = dialTimeout
	}
	config.RuntimeParams["application_name"] = "amtsbote outbox check"
	config.RuntimeParams["default_transaction_read_only"] = "on"
	config.RuntimeParams["statement_timeout"] = fmt.Sprint(inspectTimeout.Milliseconds())
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", tame(err))
	}
	return conn, nil
}

// tables gives the table named, or those that look like an outbox: by Debezium's
// columns, or by their name.
func (i Inspection) tables(ctx context.Context, conn *pgx.Conn) ([]tableName, error) {
	if i.Table != "" {
		name, ok := parseTable(i.Table)
		if !ok {
			return nil, errors.New("--table must be schema.table")
		}
		return []tableName{name}, nil
	}
	rows, err := conn.Query(ctx, `
SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND (c.relname ~* '(outbox|event_publication|ausgang)' OR 3 <= (SELECT count(*) FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname IN ('aggregatetype', 'aggregateid', 'aggregate_type', 'aggregate_id', 'payload', 'event_type')))
ORDER BY 1, 2 LIMIT 20`)
	if err != nil {
		return nil, fmt.Errorf("look for outbox tables: %w", tame(err))
	}
	names, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (n tableName, err error) {
		return n, r.Scan(&n.schema, &n.name)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("look for outbox tables: %w", tame(err))
	case len(names) == 0:
		return nil, errors.New("no table looks like an outbox (by its name, or by columns like aggregateid and payload): name it with --table; README.md of adapters/postgres has one to create")
	}
	return names, nil
}
