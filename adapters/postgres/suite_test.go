package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/postgres"
	"github.com/amtsbote/amtsbote/hub"
)

func TestSource(t *testing.T) {
	common(t)
	habits := []string{"leave"}
	if os.Getenv("AMTSBOTE_OUTBOX_ROWS") != "" { // the other tests of a check have something of each
		habits = append(habits, "mark", "delete")
	}
	for _, habit := range habits {
		t.Run(habit, func(t *testing.T) {
			adaptertest.Source(t, adaptertest.SourceCase{
				New:    func(t testing.TB) adaptertest.Origin { return newOrigin(t, habit) },
				PerKey: true, Patience: patience,
			})
		})
	}
}

func (r *room) source() (hub.Source, error) {
	s, err := postgres.Outbox().Source(r.env(), adaptertest.Settings(r.settings()))
	if err == nil && r.window != 0 {
		postgres.Window(s, r.window)
	}
	return s, err
}

// idOf is the id of the nth row.
func idOf(n int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(fmt.Sprint("row ", n))).String()
}

// newOrigin plays an application with an outbox.
func newOrigin(t testing.TB, habit string) adaptertest.Origin {
	t.Helper()
	r := newRoom(t, common(t))
	r.outbox()
	r.more = "types: {Angemeldet: de.test.geschehen.v1}\ncolumns: {headers: headers, time: occurred_at}\n"
	switch habit {
	case "mark":
		r.exec("ALTER TABLE S.outbox ADD COLUMN published_at timestamptz")
		r.more = "types: {Angemeldet: de.test.geschehen.v1}\nhabit: mark\ncolumns: {mark: published_at}\n"
	case "delete":
		r.more += "habit: delete\n"
	}
	bad := func(name, sql string, args ...any) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: func() error { return r.try(sql, args...) }}
	}
	const insert = "INSERT INTO S.outbox (id, aggregatetype, aggregateid, type, payload) VALUES "
	o := adaptertest.Origin{
		Source: r.source, Input: r.input, SetAside: r.reasons,
		Bad: []adaptertest.Input{
			bad("an unknown type", insert+"(gen_random_uuid(), 'Antrag', 'x', 'Verschwunden', '{}')"),
			bad("too large", insert+"(gen_random_uuid(), 'Antrag', 'x', 'Angemeldet', jsonb_build_object('x', repeat('x', 1100000)))"),
			bad("a long type", insert+"(gen_random_uuid(), 'Antrag', 'x', repeat('x', 250), '{}')"),
		},
	}
	if habit == "leave" {
		o.Bad = append(o.Bad, bad("headers that are a list",
			"INSERT INTO S.outbox (id, aggregatetype, aggregateid, type, payload, headers) VALUES (gen_random_uuid(), 'Antrag', 'x', 'Angemeldet', '{}', '[]')"))
	}
	return o
}

func (r *room) input(n int) adaptertest.Input {
	aggregate := idOf(1_000_000 + n%3)
	return adaptertest.Input{
		Put: func() error {
			return r.try("INSERT INTO S.outbox (id, aggregatetype, aggregateid, type, payload) VALUES ($1, 'Antrag', $2, 'Angemeldet', $3)",
				idOf(n), aggregate, fmt.Sprintf(`{"nr": %d}`, n))
		},
		Want: []adaptertest.Want{{
			EventRef: hub.EventRef{Source: "urn:test:a/Antrag", ID: idOf(n), Type: "de.test.geschehen.v1"},
			Check: func(e hub.Event) error {
				if string(e.Data()) != fmt.Sprintf(`{"nr": %d}`, n) || e.Subject() != aggregate {
					return fmt.Errorf("subject %s, data %s", e.Subject(), e.Data())
				}
				return nil
			},
		}},
	}
}

// reasons gives those of the rows that are set aside.
func (r *room) reasons() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(r.dir, "drop", "test", "error", "*.zeile.json"))
	var out []string
	for _, file := range files {
		raw, err := os.ReadFile(file + ".fehler.json")
		if err != nil {
			return nil, err
		}
		var report struct{ Text string }
		if err := json.Unmarshal(raw, &report); err != nil {
			return nil, err
		}
		row, err := os.ReadFile(file)
		if err != nil || !json.Valid(row) {
			return nil, fmt.Errorf("the row that is set aside is no JSON: %w", err)
		}
		out = append(out, report.Text)
	}
	return out, err
}

func TestSink(t *testing.T) {
	common(t)
	adaptertest.Sink(t, adaptertest.SinkCase{New: newDestination, Patience: patience})
}

const inboxTable = `CREATE TABLE S.inbox (
  delivery_id text PRIMARY KEY, event_id text NOT NULL, source text NOT NULL, type text NOT NULL, subject text,
  "time" timestamptz, correlationid text, agreement text NOT NULL, data jsonb, received timestamptz NOT NULL DEFAULT now())`

func (r *room) sink() (hub.Sink, error) {
	return postgres.Inbox().Sink(r.env(), adaptertest.Settings(strings.Replace(r.settings(), ".outbox\nsource: urn:test:a\npoll: 5ms\n", ".inbox\n", 1)))
}

func newEvent(n int, data string) hub.Event {
	e := hub.Event{}
	e.SetSpecVersion("1.0")
	e.SetID(fmt.Sprintf("e-%d", n))
	e.SetSource("urn:test:a")
	e.SetType("de.test.geschehen.v1")
	e.SetSubject(fmt.Sprintf("s-%d", n))
	e.SetDataContentType("application/json")
	e.DataEncoded = []byte(data)
	return e
}

func newDestination(t testing.TB) adaptertest.Destination {
	t.Helper()
	r := newRoom(t, common(t))
	r.exec(inboxTable)
	return adaptertest.Destination{
		Sink:  r.sink,
		Event: func(n int) hub.Event { return newEvent(n, fmt.Sprintf(`{"nr": %d}`, n)) },
		Unmappable: []hub.Event{
			newEvent(1, `{"name": "Mustermann\u0000"}`), newEvent(2, `{"name": "Mustermann"`), {},
		},
		Effects: func() ([]string, error) {
			rows, err := r.conn.Query(context.Background(), strings.ReplaceAll("SELECT delivery_id || ' ' || event_id || ' ' || data::text FROM S.inbox", "S.", r.schema+"."))
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			var out []string
			for rows.Next() {
				var s string
				if err := rows.Scan(&s); err != nil {
					return nil, err
				}
				out = append(out, s)
			}
			return out, rows.Err()
		},
		Down: func() (func() error, error) {
			return func() error { return r.try("ALTER TABLE S.away RENAME TO inbox") }, r.try("ALTER TABLE S.inbox RENAME TO away")
		},
	}
}
