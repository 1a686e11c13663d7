package postgres

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// inboxSettings stand in the federation directory; README.md explains them.
type inboxSettings struct {
	Database database `yaml:"database"`
	Table    string   `yaml:"table"`
	// Columns says what each column gets.
	Columns     map[string]string `yaml:"columns"`
	Connections int               `yaml:"connections"`

	name  tableName
	order []string // the columns, by name
	key   string   // the column that gets the delivery's id
}

// What a column may get, beside attributes and JSON Pointers.
const (
	ofDelivery  = "delivery"
	ofAgreement = "agreement"
	ofData      = "data"
	ofEvent     = "event"
)

func inboxDefaults() inboxSettings {
	return inboxSettings{Database: databaseDefaults(), Table: "public.inbox", Connections: 4}
}

// usual are the columns where the settings name none.
func usual() map[string]string {
	return map[string]string{
		"delivery_id": ofDelivery, "event_id": "id", "source": "source", "type": "type", "subject": "subject", "time": "time",
		"correlationid": hub.AttrCorrelationID, "agreement": ofAgreement, "data": ofData,
	}
}

// Inbox is the kind "postgres-inbox".
func Inbox() hub.Kind {
	return hub.Kind{
		Name:  "postgres-inbox",
		Title: "Inbox tables in PostgreSQL, one row an event",
		Sink:  newInbox,
		Check: func(env hub.Env, s hub.Settings) ([]hub.Event, error) {
			_, err := decodeInbox(env, s)
			return nil, err
		},
	}
}

func decodeInbox(env hub.Env, s hub.Settings) (inboxSettings, error) {
	set := inboxDefaults()
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	if key, why := set.Database.problem(); why != "" {
		return set, s.Errorf("database."+key, "%s", why)
	}
	if set.Columns == nil {
		set.Columns = usual()
	}
	if key, why := set.problem(); why != "" {
		return set, s.Errorf(key, "%s", why)
	}
	set.name, _ = parseTable(set.Table)
	set.order = slices.Sorted(maps.Keys(set.Columns))
	for name, what := range set.Columns {
		if what == ofDelivery {
			set.key = name
		}
	}
	set.Database = set.Database.under(env.Dir)
	return set, nil
}

var attributeForm = regexp.MustCompile(`^[a-z0-9]{1,20}$`)

func (set inboxSettings) problem() (key, why string) {
	if _, ok := parseTable(set.Table); !ok {
		return "table", "must be schema.table"
	}
	if set.Connections < 1 || set.Connections > 64 {
		return "connections", "must be 1 to 64"
	}
	deliveries := 0
	for name, what := range set.Columns {
		switch {
		case !identifier(name):
			return "columns", "must be names of columns, with what each gets"
		case what == ofDelivery:
			deliveries++
		case strings.HasPrefix(what, "/"):
			if !pointer(what) {
				return "columns." + name, "must be a JSON Pointer (RFC 6901) into the data"
			}
		case !attributeForm.MatchString(what):
			return "columns." + name, "must be delivery, agreement, data, event, an attribute of the event, or a JSON Pointer into its data"
		}
	}
	if deliveries != 1 {
		return "columns", "must give one column delivery: what tells a repetition"
	}
	return "", ""
}

// pointer holds for a JSON Pointer that is not empty.
func pointer(text string) bool {
	return strings.HasPrefix(text, "/") && !strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(text), "~")
}

func newInbox(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decodeInbox(env, s)
	if err != nil {
		return nil, err
	}
	if _, err := set.Database.config(env.Adapter, nil); err != nil {
		return nil, errors.Join(s.Errorf("database", "cannot be set up"), err)
	}
	return &sink{set: set, pool: newPool(set.Database, env, set.Connections), insert: set.insert(), there: set.there()}, nil
}
