package postgres_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/raced"
	"github.com/amtsbote/amtsbote/hub"
)

// TestNotForTheHub: with mark and delete rows of other types stay as they are.
func TestNotForTheHub(t *testing.T) {
	raced.Skip(t, "one thing after another")
	for _, types := range []string{plainTypes, "type-prefix: de.test.\n"} {
		for _, habit := range []string{"habit: delete\n", "habit: mark\ncolumns: {mark: sent}\n"} {
			r := newRoom(t, common(t))
			r.outbox()
			r.exec("ALTER TABLE S.outbox ADD COLUMN sent boolean")
			r.more = types + habit + "others: ignore\n"
			const insert = "INSERT INTO S.outbox (id, aggregatetype, aggregateid, type, payload) VALUES (gen_random_uuid(), 'x', 'y', "
			r.exec(insert + "'Not''For\\The''Hub', '{}')")
			r.exec(insert + "'geschehen.v1', '{}')")
			r.add(0, 1)
			in := adaptertest.NewIntake()
			r.play(in, func() bool {
				return len(in.Events()) == 1 && r.count("SELECT count(*) FROM S.outbox WHERE sent IS NULL") == 2
			})
		}
	}
}

// TestSettled: ids of type char(n) are found again; what prevents the mark without
// an error is told.
func TestSettled(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.outbox()
	r.exec("ALTER TABLE S.outbox ALTER COLUMN id TYPE char(36)")
	r.more = plainTypes + "habit: delete\n"
	r.add(0, 2)
	in := adaptertest.NewIntake()
	r.play(in, func() bool { return len(in.Events()) == 2 && r.count("SELECT count(*) FROM S.outbox") == 0 })
	r.exec("CREATE FUNCTION S.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$")
	r.exec("CREATE TRIGGER no BEFORE DELETE ON S.outbox FOR EACH ROW EXECUTE FUNCTION S.no()")
	r.add(2, 3)
	source, err := r.source()
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := source.Run(ctx, in); err == nil || !strings.Contains(err.Error(), "a trigger or a policy prevents it") {
		t.Errorf("Run ended with %v", err)
	}
}

// TestStubborn: a row for which the server fails with what may pass is given up
// after some tries. It leaves a note of where it stands, and stays in the table also
// with delete; the adapter remembers it until the owner has removed it.
func TestStubborn(t *testing.T) {
	raced.Skip(t, "one thing after another")
	for _, habit := range []string{"leave", "delete"} {
		r := newRoom(t, common(t))
		r.outbox()
		r.exec("CREATE TYPE S.uhr AS ENUM ('x')")
		r.exec(`CREATE FUNCTION S.zeit(S.uhr) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '` + secret + `' USING ERRCODE = 'XX000'; END $$`)
		r.exec(`CREATE FUNCTION S.text(S.uhr) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '` + secret + `' USING ERRCODE = '53200'; END $$`)
		r.exec("ALTER TABLE S.outbox ADD COLUMN wann S.uhr")
		r.exec("CREATE CAST (S.uhr AS timestamptz) WITH FUNCTION S.zeit(S.uhr)")
		r.exec("CREATE CAST (S.uhr AS json) WITH FUNCTION S.text(S.uhr)")
		r.exec("ALTER FUNCTION S.zeit(S.uhr) STRICT")
		r.exec("ALTER FUNCTION S.text(S.uhr) STRICT")
		r.more = plainTypes + "columns: {time: wann}\nhabit: " + habit + "\n"
		r.add(0, 2)
		r.exec("INSERT INTO S.outbox (id, aggregatetype, aggregateid, type, payload, wann) VALUES ($1, 'Antrag', 'x', 'Angemeldet', '{}', 'x')", idOf(2))
		r.add(3, 5)
		in := adaptertest.NewIntake()
		r.play(in, func() bool { return len(in.Events()) == 4 && len(r.codes()) == 1 })
		reasons, err := r.reasons()
		must(t, err)
		if len(reasons) != 1 || !strings.Contains(reasons[0], "SQLSTATE XX000") || strings.Contains(reasons[0], secret) {
			t.Errorf("%s: %q", habit, reasons)
		}
		files, err := filepath.Glob(filepath.Join(r.dir, "drop", "test", "error", "*.zeile.json"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%q %v", files, err)
		}
		raw, err := os.ReadFile(files[0])
		must(t, err)
		if !strings.Contains(string(raw), idOf(2)) || strings.Contains(string(raw), "payload") {
			t.Errorf("%s: the stub is %s", habit, raw)
		}
		if n := r.count(fmt.Sprintf("SELECT count(*) FROM S.outbox WHERE id = '%s'", idOf(2))); n != 1 {
			t.Errorf("%s: the row is gone", habit)
		}
		if habit == "delete" {
			r.stays(in)
		}
	}
}

// stays looks that a row that was left is remembered, and forgotten once it is gone.
func (r *room) stays(in *adaptertest.Intake) {
	r.t.Helper()
	left := func() string {
		raw, err := in.State().Get(r.t.Context(), "left")
		must(r.t, err)
		return string(raw)
	}
	if left() != `["`+idOf(2)+`"]` {
		r.t.Errorf("left are %s", left())
	}
	r.add(5, 6)
	r.play(in, func() bool { return len(in.Events()) == 5 })
	if n := len(r.codes()); n != 1 {
		r.t.Errorf("%d rows are set aside", n)
	}
	r.exec("DELETE FROM S.outbox WHERE id = $1", idOf(2))
	r.play(in, func() bool { return left() == "[]" })
}

// TestInboxOwnStates: what a trigger of the owner raises is not told, whatever state
// it names; a row that it drops without an error is no repetition.
func TestInboxOwnStates(t *testing.T) {
	raced.Skip(t, "one thing after another")
	r := newRoom(t, common(t))
	r.exec(inboxTable)
	r.exec(`CREATE FUNCTION S.guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF NEW.data ? 'drop' THEN RETURN NULL; END IF;
RAISE EXCEPTION 'no: %', NEW.data USING ERRCODE = NEW.data->>'state'; END $$`)
	r.exec("CREATE TRIGGER guard BEFORE INSERT ON S.inbox FOR EACH ROW EXECUTE FUNCTION S.guard()")
	s, err := r.sink()
	must(t, err)
	for data, permanent := range map[string]bool{
		`{"state":"42501","x":"` + secret + `"}`: false,
		`{"state":"57014","x":"` + secret + `"}`: false,
		`{"state":"BK001","x":"` + secret + `"}`: true,
		`{"drop":"` + secret + `"}`:              true,
	} {
		err := deliver(t, s, "d", newEvent(1, data))
		f := hub.FaultOf(err)
		if f == nil || f.Permanent != permanent || permanent && f.Code != "refused-by-database" || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", data, err)
		}
	}
}
