package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/internal/raced"
	"github.com/amtsbote/amtsbote/adapters/postgres/pgtest"
	"github.com/amtsbote/amtsbote/hub"
)

func deliver(t *testing.T, s hub.Sink, id string, e hub.Event) error {
	t.Helper()
	return s.Deliver(t.Context(), hub.Delivery{ID: id, Attempt: 1, Agreement: "a", Event: e})
}

// TestInboxFaults: what is for good and what passes, by SQLSTATE; no error holds a
// value.
func TestInboxFaults(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.exec(inboxTable)
	r.exec(`CREATE FUNCTION S.guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF NEW.data ? 'trigger' THEN RAISE EXCEPTION 'no: %', NEW.data; END IF; RETURN NEW; END $$`)
	r.exec("CREATE TRIGGER guard BEFORE INSERT ON S.inbox FOR EACH ROW EXECUTE FUNCTION S.guard()")
	r.exec("ALTER TABLE S.inbox ADD CONSTRAINT klein CHECK (length(data::text) < 300), ADD CONSTRAINT einmal UNIQUE (event_id)")
	s, err := r.sink()
	must(t, err)
	must(t, deliver(t, s, "d-0", newEvent(0, `{}`)))
	for _, tc := range []struct {
		name, data, code string
		id               int
	}{
		{"NUL", `{"x":"` + secret + `\u0000"}`, "bad-value", 1},
		{"a constraint", `{"x":"` + strings.Repeat(secret, 30) + `"}`, "constraint", 2},
		{"a trigger", `{"trigger":"` + secret + `"}`, "refused-by-database", 3},
		{"another key", `{"x":"` + secret + `"}`, "constraint", 0},
		{"no JSON", `{"x":"` + secret, "unmappable", 4},
	} {
		err := deliver(t, s, "bad", newEvent(tc.id, tc.data))
		f := hub.FaultOf(err)
		if f == nil || !f.Permanent || f.Code != tc.code || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	for what, sql := range map[string][2]string{
		"no column":   {"ALTER TABLE S.inbox RENAME COLUMN type TO art", "ALTER TABLE S.inbox RENAME COLUMN art TO type"},
		"no key":      {"ALTER TABLE S.inbox DROP CONSTRAINT inbox_pkey", "ALTER TABLE S.inbox ADD PRIMARY KEY (delivery_id)"},
		"a new table": {"ALTER TABLE S.inbox RENAME TO away", "ALTER TABLE S.away RENAME TO inbox"},
	} {
		r.exec(sql[0])
		err := deliver(t, s, what, newEvent(7, "{}"))
		if err == nil || hub.FaultOf(err).Permanent {
			t.Errorf("%s: %v", what, err)
		}
		r.exec(sql[1])
	}
	must(t, deliver(t, s, "d-7", newEvent(7, "{}")))
	if n := r.count("SELECT count(*) FROM S.inbox"); n != 2 {
		t.Errorf("%d rows", n)
	}
}

// TestInboxColumns: a table of another layout, with parts of the data in columns of
// their types; the least rights are enough.
func TestInboxColumns(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.exec(`CREATE TABLE S.inbox (lieferung text PRIMARY KEY, cent integer, wann timestamptz, teil jsonb, name text, gilt boolean, roh bytea, alles jsonb, fehlt text DEFAULT 'x', zeit timestamptz)`)
	role := "schreiber_" + r.schema
	r.exec("CREATE ROLE " + role + " LOGIN")
	r.exec("GRANT USAGE ON SCHEMA " + r.schema + " TO " + role)
	r.exec("GRANT INSERT ON S.inbox TO " + role)
	r.exec("GRANT SELECT (lieferung) ON S.inbox TO " + role)
	r.more = "columns: {lieferung: delivery, cent: /betrag/cent, wann: /wann, teil: /teil, name: /liste/1/a~1b, gilt: /gilt, roh: data, alles: event, zeit: time}\n" +
		"database: {hosts: [" + r.c.Dir + "], name: postgres, user: " + role + "}\n"
	s, err := r.sink()
	must(t, err)
	data := `{"betrag": {"cent": 3000}, "wann": "2026-05-04T12:00:00+02:00", "teil": {"x": [1, "<"]}, "liste": [0, {"a/b": "Ü"}], "gilt": true}`
	for range 2 {
		must(t, deliver(t, s, "d-1", newEvent(1, data)))
	}
	n := r.count("SELECT count(*) FROM S.inbox WHERE cent = 3000 AND wann = '2026-05-04T10:00:00Z' AND teil = '{\"x\":[1,\"<\"]}' AND name = 'Ü' AND gilt" +
		" AND roh = convert_to('" + data + "', 'UTF8') AND alles->>'id' = 'e-1' AND fehlt = 'x' AND zeit IS NULL")
	if n != 1 {
		t.Errorf("%d rows as wanted", n)
	}
	err = deliver(t, s, "d-2", newEvent(2, `{"betrag": {"cent": "`+secret+`"}}`))
	if f := hub.FaultOf(err); f == nil || !f.Permanent || f.Code != "bad-value" || strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
}

// TestInboxRestart: the server goes and comes back while deliveries go on.
func TestInboxRestart(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, pgtest.New(t))
	r.exec(inboxTable)
	s, err := r.sink()
	must(t, err)
	for n := range 4 {
		must(t, deliver(t, s, fmt.Sprintf("d-%d", n), newEvent(n, "{}")))
	}
	must(t, r.c.Stop(syscall.SIGQUIT))
	err = deliver(t, s, "d-4", newEvent(4, "{}"))
	if f := hub.FaultOf(err); f == nil || f.Permanent || f.Code != "unreachable" {
		t.Errorf("without a server: %v", err)
	}
	must(t, r.c.Start())
	for n := range 5 {
		must(t, deliver(t, s, fmt.Sprintf("d-%d", n), newEvent(n, "{}")))
	}
	// a connection that died in the pool is no fault
	r.conn = r.c.Dial(t, r.c.DSN("postgres"))
	_, err = r.conn.Exec(context.Background(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'amtsbote%'")
	must(t, err)
	must(t, deliver(t, s, "d-5", newEvent(5, "{}")))
	if n := r.count("SELECT count(*) FROM S.inbox"); n != 6 {
		t.Errorf("%d rows", n)
	}
}
