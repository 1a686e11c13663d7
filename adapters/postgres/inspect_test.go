package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/internal/raced"
	"github.com/amtsbote/amtsbote/adapters/postgres"
)

func (r *room) inspect() (string, bool) {
	r.t.Helper()
	reports, err := postgres.Inspect(r.t.Context(), postgres.Inspection{DSN: r.c.DSN("postgres"), Table: r.schema + ".outbox"})
	must(r.t, err)
	var out strings.Builder
	reports[0].Print(&out)
	return out.String(), reports[0].Bad()
}

// TestInspect: each way to lose rows is found, with the SQL that mends it. What is
// said of the server as a whole hub/cmd/amtsbote tries.
func TestInspect(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	for _, tc := range []struct{ table, then, part, sql string }{
		{"(id uuid PRIMARY KEY, aggregateid text, payload jsonb)", "", "no bigint column counts up", "GENERATED ALWAYS AS IDENTITY"},
		{"(id bigserial PRIMARY KEY, aggregateid text, payload jsonb)", "", "loses the rows of every transaction that commits late", "ADD COLUMN xid xid8"},
		{"(id uuid, seq bigserial, xid xid8 DEFAULT pg_current_xact_id())", "", "column xid may be NULL", "ALTER COLUMN \"xid\" SET NOT NULL"},
		{"(id uuid, seq bigserial, xid xid8 NOT NULL DEFAULT '1')", "", "writer's transaction by itself", "SET DEFAULT pg_current_xact_id()"},
		{"(id uuid, seq bigserial, xid xid8 NOT NULL DEFAULT pg_current_xact_id())", "", "column id is not unique", "ADD PRIMARY KEY (id)"},
		{"(id uuid, seq bigserial, xid xid8 NOT NULL DEFAULT pg_current_xact_id())", "", "no index on (xid, seq)", "CREATE INDEX CONCURRENTLY"},
		{"(id uuid, seq bigint GENERATED ALWAYS AS IDENTITY (CACHE 20), xid xid8 NOT NULL DEFAULT pg_current_xact_id())", "", "hands out 20 numbers in advance", "CACHE 1"},
		{"(id uuid, seq bigserial, xid xid8 NOT NULL DEFAULT pg_current_xact_id())", "INSERT INTO S.outbox VALUES (gen_random_uuid(), 1, '900000000')", "another cluster", "UPDATE"},
		{"(id uuid, seq bigserial, published_at timestamptz)", "", "marked in column published_at", ""},
		{"(id uuid, seq bigserial)", "", "nothing notifies", "CREATE TRIGGER"},
	} {
		r.exec("CREATE TABLE S.outbox " + tc.table)
		if tc.then != "" {
			r.exec(tc.then)
		}
		out, bad := r.inspect()
		if !bad { // each lacks something
			t.Errorf("%s: not bad: %s", tc.table, out)
		}
		if !strings.Contains(out, tc.part) || !strings.Contains(out, tc.sql) {
			t.Errorf("%s: no %q with %q in: %s", tc.table, tc.part, tc.sql, out)
		}
		r.exec("DROP TABLE S.outbox")
	}
	r.outbox()
	out, bad := r.inspect()
	if bad != strings.Contains(out, "fsync is off") || strings.Contains(out, "ALTER TABLE") || strings.Contains(out, "CREATE INDEX") {
		t.Errorf("nothing is wrong with the table: %s", out)
	}
	slow := r.c.Dial(t, r.c.DSN("postgres"))
	if _, err := slow.Exec(context.WithoutCancel(t.Context()), "BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'zwei'"); err != nil {
		t.Fatal(err)
	}
	out, _ = r.inspect()
	if _, err := slow.Exec(context.WithoutCancel(t.Context()), "ROLLBACK PREPARED 'zwei'"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "1 prepared transactions") {
		t.Errorf("the prepared transaction: %s", out)
	}
}

// TestInspectDeleted: who deletes rows in the transaction that writes them is told
// that nobody sees them.
func TestInspectDeleted(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.outbox()
	const sql = "WITH n AS (INSERT INTO S.outbox (id, aggregatetype, aggregateid, type) VALUES (gen_random_uuid(), 'a', 'b', 'c') RETURNING id) SELECT * FROM n"
	r.exec(sql)
	r.exec("DELETE FROM S.outbox")
	r.exec("SELECT pg_stat_force_next_flush()")
	if out, _ := r.inspect(); !strings.Contains(out, "no reader ever sees them") {
		t.Errorf("%s", out)
	}
}
