package hub

import (
	"context"

	"go.uber.org/zap"
)

// Kind is one kind of adapter: it makes sources and sinks from settings. The
// list of all kinds is literal, in package adapters.
type Kind struct {
	// Name as used in the federation directory: "filedrop", "akdb".
	Name string
	// Title is one line for people.
	Title string
	// Source makes the source; nil when the kind has none. A Source value is
	// used by one Run at a time.
	Source func(Env, Settings) (Source, error)
	// Sink makes the sink; nil when the kind has none.
	Sink func(Env, Settings) (Sink, error)
	// Check judges the settings, and the files of the federation directory that
	// they name, without running anything; nil when the kind has none. It reads
	// below Env.Federation alone (Env.Dir is not there yet), and makes, opens and
	// calls nothing. The error joins, for each thing that is wrong, what Settings
	// gives or a *Problem. The samples are events as the source would make them
	// of the configuration's own examples: "amtsbote check" asks what the hub
	// would do with them.
	Check func(Env, Settings) (samples []Event, err error)
}

// Settings are the adapter's own settings as they stand in the federation
// directory.
type Settings interface {
	// Decode fills into, a pointer to a struct with yaml tags, strictly: unknown
	// or doubly given keys and wrong types are errors with file, line and
	// column. Fields that are not given keep their value, so defaults are set
	// before.
	Decode(into any) error
	// Errorf makes an error that points at the key (dotted path; "" is the whole
	// settings block), for values that Decode cannot judge.
	Errorf(key, format string, args ...any) error
}

// Env is what the hub tells an adapter about its surroundings.
type Env struct {
	// Application that the adapter acts for, as <organisation>.<application>.
	Application string
	// Name of this adapter within the federation directory, [a-z0-9-].
	Adapter string
	// Dir is where relative paths to folders start that the adapter reads and
	// writes, absolute: the hub's data directory.
	Dir string
	// Federation is where relative paths to files start that belong to the
	// configuration, absolute: the federation directory.
	Federation string
	// Production is false in test environments; messages with a test mark are
	// refused in production and vice versa accepted as test.
	Production bool
	// Log carries ids and counts, never payloads or personal data.
	Log *zap.Logger
}

// Simulator plays a foreign system for examples and tests. It lives beside the
// adapter whose other side it plays, follows the recorded facts of that system,
// and never runs in a production federation.
type Simulator struct {
	// Name as used by "amtsbote simulate" and the federation directory: "okewo".
	Name string
	// Title is one line for people.
	Title string
	// Run plays until ctx ends and then returns nil.
	Run func(ctx context.Context, env Env, s Settings) error
}
