package console

import (
	"context"
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
}

// Unpark names a parked key and why a person acts on it.
type Unpark struct{ Application, Key, Who, Reason, Lang string }

// Mailbox is an Eingangsfach as it stands.
type Mailbox struct {
	Application string
	Copies      uint64
	Used, Limit int64 // bytes
}

// Credential is one that an application has for NATS.
type Credential struct {
	ID, Application string
	Expires         time.Time
	Suspended       bool
}

// Adapter is one that runs in the hub.
type Adapter struct {
	Name, Kind, Application string
	// InError are files that it has set aside; -1 when it has no such folder.
	InError int
}

// timeout bounds what one page asks the rest of the hub for.
const timeout = 20 * time.Second
