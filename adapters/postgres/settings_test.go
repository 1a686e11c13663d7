package postgres_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/postgres"
	"github.com/amtsbote/amtsbote/hub"
)

const goodDatabase = "database: {hosts: [db1, db2], name: fach, user: leser}\n"

func TestSettings(t *testing.T) {
	t.Parallel()
	env := adaptertest.Env(t.TempDir())
	env.Federation = env.Dir
	outbox := func(text string) error {
		_, err := postgres.Outbox().Check(env, adaptertest.Settings(text))
		return err
	}
	inbox := func(text string) error {
		_, err := postgres.Inbox().Check(env, adaptertest.Settings(text))
		return err
	}
	must(t, outbox(goodDatabase+"source: urn:test:a\ntype: de.test.geschehen.v1\n"))
	must(t, inbox(goodDatabase))
	for _, tc := range []struct {
		judge      func(string) error
		text, part string
	}{
		{outbox, "source: urn:test:a\n", "database.hosts"},
		{outbox, "database: {hosts: [a], name: b, user: c, password: d}\n", "password"},
		{outbox, "database: {hosts: [a], name: b, user: c, tls: {mode: \"off\"}}\n", "tls.mode"},
		{outbox, "database: {hosts: [a], name: b, user: c, tls: {mode: require}}\n", "tls.mode"},
		{outbox, "database: {hosts: ['a b'], name: b, user: c}\n", "database.hosts"},
		{outbox, goodDatabase, "source"},
		{outbox, goodDatabase + "source: urn:test:a\ntable: a.b.c\n", "table"},
		{outbox, goodDatabase + "source: urn:test:a\nhabit: behalten\n", "habit"},
		{outbox, goodDatabase + "source: urn:test:a\nhabit: mark\n", "columns.mark"},
		{outbox, goodDatabase + "source: urn:test:a\ncolumns: {mark: x}\n", "columns.mark"},
		{outbox, goodDatabase + "source: urn:test:a\ncolumns: {xid: \"\"}\n", "columns.xid"},
		{outbox, goodDatabase + "source: urn:test:a\ncolumns: {payload: \"\"}\n", "columns.payload"},
		{outbox, goodDatabase + "source: urn:test:a\ntype: x\n", "type"},
		{outbox, goodDatabase + "source: urn:test:a\ntypes: {a: B}\n", "types.a"},
		{outbox, goodDatabase + "source: urn:test:a\ntypes: {}\ntype: de.a.b.v1\n", "type"},
		{outbox, goodDatabase + "source: urn:test:a\nmappings: [nichts.yaml]\n", "nichts.yaml"},
		{outbox, goodDatabase + "source: urn:test:a\nread: [a]\n", "read"},
		{outbox, goodDatabase + "source: urn:test:a\npoll: 0s\n", "poll"},
		{outbox, goodDatabase + "source: urn:test:a\nbatch: 100000\n", "batch"},
		{inbox, goodDatabase + "columns: {a: id}\n", "delivery"},
		{inbox, goodDatabase + "columns: {a: delivery, b: /x~2}\n", "columns.b"},
		{inbox, goodDatabase + "columns: {a: delivery, b: Ü}\n", "columns.b"},
		{inbox, goodDatabase + "connections: 0\n", "connections"},
	} {
		if err := tc.judge(tc.text); err == nil || !strings.Contains(err.Error(), tc.part) {
			t.Errorf("%q: %v, want %q", tc.text, err, tc.part)
		}
	}
}

// TestReadmeTables: each setting has its row, with its default.
func TestReadmeTables(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("README.md")
	must(t, err)
	for _, settings := range postgres.Defaults() {
		v := reflect.ValueOf(settings)
		for i := range v.NumField() {
			key := v.Type().Field(i).Tag.Get("yaml")
			if key == "" || slices.Contains([]string{"columns", "name", "user", "tls"}, key) {
				continue
			}
			value := ""
			if f := v.Field(i); !f.IsZero() && f.Kind() != reflect.Struct {
				value = strings.NewReplacer("1h0m0s", "1h").Replace(fmt.Sprintf("`%v` ", f.Interface()))
			}
			if row := fmt.Sprintf("| `%s` | %s|", key, value); !strings.Contains(string(b), row) && key != "dir" {
				t.Errorf("no row begins %s", row)
			}
		}
	}
}

func TestMilestones(t *testing.T) {
	t.Parallel()
	for minutes, want := range map[int]uint64{1: 0, 59: 0, 200: 140, 10_000: 9940} {
		kept, back := postgres.Milestones(minutes, time.Hour)
		if kept > 64 || back > want || back+2 < want {
			t.Errorf("after %d minutes %d milestones, back to %d, want %d", minutes, kept, back, want)
		}
	}
}

// TestEventOfRow: what becomes of an aggregate's id; nothing personal in attributes.
func TestEventOfRow(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	of := func(aggregate string) hub.Event {
		e, skip, err := postgres.Event(postgres.Columns{
			ID: "1", AggregateType: "An trag/x", AggregateID: aggregate, Type: "Angemeldet", At: at, Payload: []byte(` {"x": 1} `),
			Headers: `{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "unbekannt": {"x": 1}, "causationid": null}`,
		}, nil)
		if skip {
			err = errors.New("skipped")
		}
		must(t, err)
		return e
	}
	const id = "0d9f5a53-94a5-4f55-8f0a-6d3b5a5a3c11"
	e := of(id)
	if e.Subject() != id || e.Source() != "urn:test:a/An%20trag%2Fx" || !e.Time().Equal(at) || string(e.Data()) != `{"x": 1}` ||
		e.Extensions()[hub.AttrSequence] != "00000000000000000001-00000000000000000002" || e.Extensions()[hub.AttrPartitionKey] != id ||
		e.Extensions()[hub.AttrTraceparent] == nil || len(e.Extensions()) != 3 {
		t.Errorf("%s", e)
	}
	person := of("162015039514")
	if !strings.HasPrefix(person.Subject(), "v-") || strings.Contains(person.String(), "162015039514") || of("162015039514").Subject() != person.Subject() {
		t.Errorf("%s", person)
	}
}

func FuzzEvent(f *testing.F) {
	f.Add("id", "Antrag", "A", "Angemeldet", `{"subject":"x"}`, []byte(`{"x":1}`))
	f.Add("\x00", "\xff", "", "x", `{"ags":1}`, []byte("\x00"))
	f.Add("id", "", "A", "Angemeldet", `{"dataschema":"%","traceparent":"\u0000"}`, []byte(`{"x":1}{}`))
	f.Fuzz(func(t *testing.T, id, aggregateType, aggregate, typ, headers string, payload []byte) {
		e, skip, err := postgres.Event(postgres.Columns{ID: id, AggregateType: aggregateType, AggregateID: aggregate, Type: typ, Headers: headers, Payload: payload}, nil)
		switch {
		case err != nil:
			if fault := hub.FaultOf(err); !fault.Permanent {
				t.Errorf("no permanent fault: %v", err)
			}
		case skip:
			t.Error("skipped")
		default:
			if err := e.Validate(); err != nil {
				t.Errorf("no valid event: %v", err)
			}
			if e.ID() != id {
				t.Errorf("the id became %q", e.ID())
			}
		}
	})
}

// FuzzPointer: parts of the data go to columns, whatever it is.
func FuzzPointer(f *testing.F) {
	f.Add(`{"a":{"b":[1,true,null,"x",{}]}}`, "/a/b/0")
	f.Add(`[1e400]`, "/0")
	f.Fuzz(func(t *testing.T, data, path string) {
		value, err := postgres.At(data, path)
		if err != nil && !hub.FaultOf(err).Permanent {
			t.Errorf("no permanent fault: %v", err)
		}
		if _, ok := value.(string); value != nil && !ok {
			t.Errorf("%T", value)
		}
	})
}

// TestNextBatch: rows so large that few come at once are not asked for by hundreds.
func TestNextBatch(t *testing.T) {
	t.Parallel()
	for in, want := range map[[2]int]int{{500, 500}: 500, {500, 4}: 8, {8, 4}: 8, {8, 8}: 16, {1, 1}: 2, {400, 400}: 500, {20, 0}: 20} {
		if got := postgres.NextBatch(in[0], in[1]); got != want {
			t.Errorf("%d of %d: next %d, want %d", in[1], in[0], got, want)
		}
	}
}
