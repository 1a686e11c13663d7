package console

import (
	"context"
	"errors"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
	"github.com/amtsbote/amtsbote/hub/internal/replay"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// Hub is what the console asks the rest of the hub for.
type Hub interface {
	// Federation is the version of the directory that is in force.
	Federation() *federation.Federation
	// Version gives one that was, by its digest; nil when it is not kept.
	Version(ctx context.Context, digest string) (*federation.Federation, error)
	// Search is the projection of the trail for people.
	Search() *search.Index
	// Explain tells what the trail says about an event id.
	Explain(ctx context.Context, id string) (*explain.Answer, error)
	// Attempts are those at the copy of d for an application that the hub remembers.
	Attempts(d *decision.Decision, application string) []decision.Attempt
	// Stored gives the message at a sequence of a stream; nil when it is not there.
	Stored(ctx context.Context, stream string, seq uint64) (*event.Message, error)
	// Refused counts what lies in quarantine by subject; of an organisation, "" for all.
	Refused(ctx context.Context, organisation string) (map[string]uint64, error)
	// RefusedPage gives messages of quarantine behind a sequence.
	RefusedPage(ctx context.Context, filter string, after uint64, limit int) ([]*event.Message, error)
	// Parked lists the keys that are parked.
	Parked(ctx context.Context) ([]parked.Entry, error)
	// Unpark releases a parked key (decision.ActRelease) or gives it back to the sender
	// (decision.ActReturn), recorded. An error that people may read is a bus.ActError.
	Unpark(ctx context.Context, act string, a Unpark) error
	// Record writes to the trail what a person does, before it is done.
	Record(ctx context.Context, act *decision.Act) error
	// Streams tells how full each stream is.
	Streams(ctx context.Context) ([]bus.Usage, error)
	// Mailboxes tells what lies in each mailbox.
	Mailboxes() []Mailbox
	// Replays carries out what people have wanted again.
	Replays() *replay.Engine
	// Credentials that were issued for NATS and are not over; none where others issue them.
	Credentials() []Credential
	// Adapters that run.
	Adapters() []Adapter
	Clearing
	// Undecided tells when the oldest event of an in stream was stored that is not decided;
	// zero: all are.
	Undecided(ctx context.Context, in string) (time.Time, error)
	// Waiting tells what a mailbox holds back.
	Waiting(ctx context.Context, application string) (bus.Waiting, error)
	// Pause stops the hand-out of a mailbox or the source of an adapter, or lets it go on;
	// recorded, and it outlasts the hub. ErrNotThere: there is nothing of that name, or it is
	// just being started.
	Pause(ctx context.Context, r PauseRequest) error
	// Paused tells of all pauses: by application (mailboxes) and by adapter.
	Paused() (mailboxes, adapters map[string]*Pause)
	// Tokens for the HTTP door that were issued and not revoked.
	Tokens(ctx context.Context) ([]Credential, error)
}

// ErrNotThere means that what should be acted on is not there.
var ErrNotThere = errors.New("there is nothing of that name that runs here")

// Pause is that somebody has stopped something.
type Pause struct {
	Who    string    `json:"who"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// PauseRequest names an adapter, or the application whose mailbox is meant.
type PauseRequest struct {
	Application, Adapter string
	Pause                bool // false: go on
	Who, Reason          string
}

// Unpark names a parked key and why a person acts on it.
type Unpark struct{ Application, Key, Who, Reason, Lang string }

// Mailbox is an Eingangsfach as it stands.
type Mailbox struct {
	Application string
	Copies      uint64
	Used, Limit int64 // bytes
}

// Credential is one that an application has for NATS, or a token for HTTP.
type Credential struct {
	ID, Application string
	Expires         time.Time
	Suspended       bool
	Token           bool // for HTTP
}

// Adapter is one that runs in the hub.
type Adapter struct {
	Name, Kind, Application string
	// InError are files that it has set aside; -1 when it has no such folder. Reasons are
	// the codes of the newest ones, and how many there are of each.
	InError int
	Reasons []SetAside
	// Source tells that it brings events; Watched that it can tell when it Looked for some
	// last (zero: not since the hub started).
	Source, Watched bool
	Looked          time.Time
	// Waits are inputs in its folder that it has not taken yet, since Oldest; -1 when it reads
	// none.
	Waits  int
	Oldest time.Time
	// Broke is when its source stopped last since the hub started, and BrokeCode why; zero:
	// it has not.
	Broke     time.Time
	BrokeCode string
}

// SetAside is how many inputs were set aside for a reason, and when last.
type SetAside struct {
	Code string
	N    int
	Last time.Time
}

// timeout bounds what one page asks the rest of the hub for.
const timeout = 20 * time.Second
