package postgres

import (
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// Defaults are the settings about which nothing is said, for the README's tables.
func Defaults() []any {
	return []any{outboxDefaults(), inboxDefaults(), databaseDefaults()}
}

// Columns of a row, as the server gives them.
type Columns struct {
	ID, AggregateType, AggregateID, Type, Headers string
	Payload                                       []byte
	At                                            time.Time
}

// Event makes the event of a row.
func Event(c Columns, maps mapping.Set) (e hub.Event, skip bool, err error) {
	set := outboxDefaults()
	set.Source, set.Types = "urn:test:a", map[string]string{"Angemeldet": "de.test.geschehen.v1"}
	size := len(c.Payload)
	r := &run{source: &source{set: set, maps: maps}, key: []byte("key")}
	return r.event(&row{
		place: place{1, 2}, id: c.ID, aggregateType: &c.AggregateType, aggregateID: &c.AggregateID, typ: &c.Type, headers: &c.Headers,
		headerSize: len(c.Headers), at: &c.At, size: &size, document: c.Payload,
	})
}

// Milestones gives where a cursor goes back to that closed a window each minute.
func Milestones(minutes int, overlap time.Duration) (kept int, back uint64) {
	c := &cursor{Marks: []milestone{{At: time.Unix(0, 0)}}}
	for n := 1; n <= minutes; n++ {
		c.To = uint64(n)
		c.close(time.Unix(int64(60*n), 0), overlap)
	}
	return len(c.Marks), c.back(overlap).XID
}

// At gives what a column gets that is declared by a JSON Pointer.
func At(data, path string) (any, error) {
	set := inboxDefaults()
	set.Columns = map[string]string{"a": ofDelivery, "b": path}
	if _, why := set.problem(); why != "" || path == ofData || path == ofEvent {
		return nil, hub.Permanent("no-pointer", "no pointer")
	}
	set.order = []string{"b"}
	e := hub.Event{}
	e.SetSpecVersion("1.0")
	e.SetID("1")
	e.SetSource("urn:test:a")
	e.SetType("de.test.geschehen.v1")
	e.DataEncoded = []byte(data)
	values, err := set.values(hub.Delivery{ID: "1", Event: e})
	if err != nil {
		return nil, err
	}
	return values[0], nil
}

// Window sets how many rows a source reads in one window at first.
func Window(s hub.Source, rows int) {
	if s, ok := s.(*source); ok {
		s.window = rows
	}
}

// OneTransaction gives the statement that reads a window of one transaction: $1 is
// it, $2 the number behind which to read.
func OneTransaction(schema, name string, most int) string {
	s := statement{set: outboxDefaults(), t: &table{tableName: tableName{schema, name}, columns: map[string]column{"seq": {Type: "bigint"}}}, one: true}
	return s.batch(most)
}

// NextBatch is how many rows are asked for after so many came of those asked for.
func NextBatch(asked, came int) int {
	return (&run{source: &source{set: outboxDefaults()}, batch: asked}).nextBatch(came)
}
