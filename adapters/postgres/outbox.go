package postgres

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// outboxSettings stand in the federation directory; README.md explains them.
type outboxSettings struct {
	Database database `yaml:"database"`
	Table    string   `yaml:"table"`
	Habit    string   `yaml:"habit"`
	Columns  columns  `yaml:"columns"`

	Source      string            `yaml:"source"`
	PerType     bool              `yaml:"source-per-aggregatetype"`
	Type        string            `yaml:"type"`
	Types       map[string]string `yaml:"types"`
	TypePrefix  string            `yaml:"type-prefix"`
	Others      string            `yaml:"others"`
	AggregateID string            `yaml:"aggregateid-as"`
	Mappings    []string          `yaml:"mappings"`
	Read        []string          `yaml:"read"`
	KeyFile     string            `yaml:"case-key-file"`

	Dir      string        `yaml:"dir"`
	Channel  string        `yaml:"channel"`
	Poll     time.Duration `yaml:"poll"`
	Batch    int           `yaml:"batch"`
	AtOnce   int           `yaml:"at-once"`
	MaxBytes int           `yaml:"max-bytes"`

	Failover     time.Duration `yaml:"failover-overlap"`
	Accept       string        `yaml:"accept"`
	AcceptCursor string        `yaml:"accept-cursor"`

	name tableName
}

// columns names the columns of the table; "" for one that it lacks.
type columns struct {
	ID            string `yaml:"id"`
	AggregateType string `yaml:"aggregatetype"`
	AggregateID   string `yaml:"aggregateid"`
	Type          string `yaml:"type"`
	Payload       string `yaml:"payload"`
	Headers       string `yaml:"headers"`
	Time          string `yaml:"time"`
	XID           string `yaml:"xid"`
	Seq           string `yaml:"seq"`
	Mark          string `yaml:"mark"`
}

// The habits: what becomes of a row that is stored as an event.
const (
	leave  = "leave"  // it stays; the adapter remembers its place
	mark   = "mark"   // the adapter sets columns.mark
	remove = "delete" // the adapter deletes it
)

// What an aggregate id becomes in the event's subject.
const (
	asUUID      = "uuid" // a UUID stays, anything else becomes a pseudonym
	asPlain     = "plain"
	asPseudonym = "pseudonym"
)

const (
	setAside = "set-aside"
	ignore   = "ignore"
	fromHere = "keep"
	fromTop  = "start"
)

func outboxDefaults() outboxSettings {
	return outboxSettings{
		Database: databaseDefaults(), Table: "public.outbox", Habit: leave,
		Columns: columns{
			ID: "id", AggregateType: "aggregatetype", AggregateID: "aggregateid", Type: "type", Payload: "payload",
			XID: "xid", Seq: "seq",
		},
		PerType: true, Others: setAside, AggregateID: asUUID,
		Poll: 5 * time.Second, Batch: 500, AtOnce: 64, MaxBytes: 1 << 20,
		Failover: time.Hour, AcceptCursor: fromTop,
	}
}

// Outbox is the kind "postgres-outbox".
func Outbox() hub.Kind {
	return hub.Kind{
		Name:   "postgres-outbox",
		Title:  "Outbox tables in PostgreSQL, one event a row",
		Source: newOutbox,
		Check:  checkOutbox,
	}
}

// decodeOutbox reads settings and mappings; it opens nothing else.
func decodeOutbox(env hub.Env, s hub.Settings) (outboxSettings, mapping.Set, error) {
	set := outboxDefaults()
	if err := s.Decode(&set); err != nil {
		return set, nil, err
	}
	if key, why := set.Database.problem(); why != "" {
		return set, nil, s.Errorf("database."+key, "%s", why)
	}
	if set.Habit != leave {
		set.Columns.XID = "" // a row that is not marked, or still there, is to be read: no place is needed
	}
	if key, why := set.problem(); why != "" {
		return set, nil, s.Errorf(key, "%s", why)
	}
	set.name, _ = parseTable(set.Table)
	var maps mapping.Set
	for _, name := range set.Mappings {
		m, err := mapping.Load(env.Federation, name)
		if err != nil {
			return set, nil, err
		}
		if m.Format() != mapping.JSON {
			return set, nil, s.Errorf("mappings", "%s is a mapping of %s; a row is json", name, m.Format())
		}
		if meta := m.MetaID(); meta != "" && meta != "id" {
			return set, nil, s.Errorf("mappings", "%s makes the id of %s; beside a row comes its id alone", name, meta)
		}
		maps = append(maps, m)
	}
	set.Database = set.Database.under(env.Dir)
	if set.Dir == "" {
		set.Dir = filepath.Join("drop", env.Adapter)
	}
	for _, path := range []*string{&set.Dir, &set.KeyFile} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(env.Dir, *path)
		}
	}
	return set, maps, nil
}

func (set outboxSettings) problem() (key, why string) {
	_, ok := parseTable(set.Table)
	switch {
	case !ok:
		return "table", "must be schema.table"
	case set.Habit != leave && set.Habit != mark && set.Habit != remove:
		return "habit", "must be leave, mark or delete: what becomes of a row that is stored as an event"
	case set.Source == "":
		return "source", "is missing: the source of the events, below a prefix that the application owns"
	case set.Others != setAside && set.Others != ignore:
		return "others", "must be set-aside or ignore"
	case set.AggregateID != asUUID && set.AggregateID != asPlain && set.AggregateID != asPseudonym:
		return "aggregateid-as", "must be uuid, plain or pseudonym"
	case set.AcceptCursor != fromTop && set.AcceptCursor != fromHere:
		return "accept-cursor", "must be start or keep"
	case set.Channel != "" && !identifier(set.Channel):
		return "channel", "must be the name of a channel of NOTIFY"
	}
	for _, judge := range []func() (string, string){set.columnsProblem, set.typesProblem, set.limits} {
		if key, why := judge(); why != "" {
			return key, why
		}
	}
	return "", ""
}

func (set outboxSettings) columnsProblem() (key, why string) {
	c := set.Columns
	for _, n := range []struct{ key, name string }{
		{"id", c.ID},
		{"aggregatetype", c.AggregateType},
		{"aggregateid", c.AggregateID},
		{"type", c.Type},
		{"payload", c.Payload},
		{"headers", c.Headers},
		{"time", c.Time},
		{"xid", c.XID},
		{"seq", c.Seq},
		{"mark", c.Mark},
	} {
		if n.name != "" && !identifier(n.name) {
			return "columns." + n.key, "must be the name of a column"
		}
	}
	switch {
	case c.ID == "":
		return "columns.id", "is missing: what tells rows apart"
	case c.Seq == "":
		return "columns.seq", "is missing: the order of the rows of one transaction"
	case set.Habit == leave && c.XID == "":
		return "columns.xid", "is missing: without the transaction of each row a place in the table loses rows; see amtsbote outbox check, or choose the habit mark or delete"
	case (set.Habit == mark) != (c.Mark != ""):
		return "columns.mark", "belongs to the habit mark: the column that is empty until a row is stored as an event"
	case set.Mappings == nil && c.Payload == "":
		return "columns.payload", "is missing, or mappings"
	}
	for i, name := range set.Read {
		if !identifier(name) {
			return fmt.Sprintf("read.%d", i), "must be the name of a column"
		}
	}
	return "", ""
}

var typeForm = regexp.MustCompile(`^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+\.v[1-9][0-9]*$`)

func (set outboxSettings) typesProblem() (key, why string) {
	given := 0
	for _, is := range []bool{set.Type != "", set.Types != nil || set.TypePrefix != "", set.Mappings != nil} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return "type", "excludes types, type-prefix and mappings, and these exclude each other: one says which event a row becomes"
	case set.Type != "" && !typeForm.MatchString(set.Type):
		return "type", "must be an event type like de.gewerbe.angemeldet.v1"
	case set.Type == "" && set.Mappings == nil && set.Columns.Type == "":
		return "columns.type", "is missing, or type"
	case set.Mappings == nil && set.Read != nil:
		return "read", "belongs to mappings"
	case set.Mappings != nil && (set.Columns.Headers != "" || set.AggregateID != asUUID):
		return "mappings", "make the attributes alone: columns.headers and aggregateid-as have no meaning beside them"
	}
	for name, typ := range set.Types {
		if !typeForm.MatchString(typ) {
			return "types." + name, "must be an event type like de.gewerbe.angemeldet.v1"
		}
	}
	return "", ""
}

func (set outboxSettings) limits() (key, why string) {
	switch {
	case set.Poll < 5*time.Millisecond || set.Poll > time.Hour:
		return "poll", "must be 5ms to 1h"
	case set.Batch < 1 || set.Batch > 5000:
		return "batch", "must be 1 to 5000 rows"
	case set.AtOnce < 1 || set.AtOnce > 256:
		return "at-once", "must be 1 to 256"
	case set.MaxBytes < 1 || set.MaxBytes > 40<<20:
		return "max-bytes", "must be 1 to 41943040"
	case set.Failover < 0 || set.Failover > 7*24*time.Hour:
		return "failover-overlap", "must be 0 to 168h"
	}
	return "", ""
}

// checkOutbox judges the settings, and runs the mappings' examples.
func checkOutbox(env hub.Env, s hub.Settings) ([]hub.Event, error) {
	set, maps, err := decodeOutbox(env, s)
	if err != nil {
		return nil, err
	}
	return maps.Try(set.Source)
}

func newOutbox(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, maps, err := decodeOutbox(env, s)
	if err != nil {
		return nil, err
	}
	if _, err := maps.Try(set.Source); err != nil {
		return nil, err
	}
	key, err := mapping.ReadKey(set.KeyFile)
	if err != nil {
		return nil, s.Errorf("case-key-file", "%v", err)
	}
	if _, err := set.Database.config(env.Adapter, nil); err != nil {
		return nil, errors.Join(s.Errorf("database", "cannot be set up"), err)
	}
	return &source{set: set, maps: maps, env: env, log: env.Log, key: key, window: windowRows}, nil
}
