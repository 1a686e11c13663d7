package hub

import (
	"context"
	"io"
)

// Source brings events of a foreign system to the hub.
type Source interface {
	// Run polls or listens until ctx ends and gives every event to in. It
	// returns nil when ctx ended, and an error only when it cannot go on; the
	// hub then starts it again after a delay. Whatever Run had not yet given to
	// Publish successfully must still be in the foreign system (or claimed by
	// the source on disk) when Run starts again: nothing is lost by a crash at
	// any point. An input that can never become an event is set aside by the
	// source with its reason, and does not stop the ones behind it.
	Run(ctx context.Context, in Intake) error
}

// Listener is a Source that wants to hear what became of its events, for
// example to confirm them to the foreign system only then.
type Listener interface {
	// Stored is called once Publish has made the event durable, before Publish
	// returns. It may be called again for the same event after a crash.
	Stored(ctx context.Context, ref EventRef) error
	// Settled is called when the event has its outcome and, if it was routed,
	// every copy was done or given up by its receiver. It is called at least
	// once per event, also across restarts; an error makes the hub call again
	// later. It must be idempotent.
	Settled(ctx context.Context, s Settlement) error
}

// EventRef names an event: CloudEvents identity is (source, id).
type EventRef struct {
	Source, ID, Type string
}

// Settlement says how an event ended.
type Settlement struct {
	EventRef
	Outcome Outcome
	// Code is the reason, as in the error catalogue (SCHEMA_INVALID), when
	// Outcome is Quarantined or Unrouted.
	Code string
	// Copies is how many receivers the event was routed to; Done how many of
	// them are known to have taken it. They differ when a receiver refused for
	// good, or takes its copies by itself (mode nats) from a server without
	// accounts, where the hub does not hear what it says.
	Copies, Done int
}

// Intake is what a Source gets from the hub.
type Intake interface {
	// Publish returns nil when e is stored and synced to disk: from then on the
	// hub is answerable for it and the source may forget it. The hub fills in
	// specversion, and time if it is missing. Publishing the same event again
	// (same source, id and content) is harmless. A Permanent Fault means that
	// the hub refuses the event for good (no valid CloudEvent, a source that
	// the application does not own, too large); any other error means: not
	// stored as far as known, publish the same event again.
	Publish(ctx context.Context, e Event) error
	// State is the source's own durable memory, empty at first.
	State() State
	// Blobs stores what is too large or too raw for event data.
	Blobs() Blobs
}

// State is a small durable key-value memory of one source: cursors, message
// ids chosen before a first try, and the like. Keys are [A-Za-z0-9_.=-]{1,128},
// not beginning or ending with a dot; values up to 64 KiB. A Put is synced to disk when it
// returns. No personal data belongs here.
type State interface {
	// Get returns nil, nil for an unknown key.
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, value []byte) error
	Delete(ctx context.Context, key string) error
}

// Blobs is a store of byte streams: originals and attachments (claim check).
type Blobs interface {
	// Put streams r to the store and returns a reference that goes into event
	// data. Nobody holds the whole in memory. The reference is durable when Put
	// returns. Bytes that are stored already are given
	// their old reference, so that an event published again has the same content.
	Put(ctx context.Context, r io.Reader) (BlobRef, error)
	// Open streams a stored blob. A ref that is not there gives a Permanent
	// Fault with code "blob-missing". The caller closes the reader; reading to
	// the end reports damage as an error.
	Open(ctx context.Context, ref string) (io.ReadCloser, error)
}

// BlobRef describes a stored blob.
type BlobRef struct {
	Ref    string // opaque; "blob:" followed by [A-Za-z0-9_-]
	SHA256 string // lower-case hexadecimal
	Size   int64  // bytes
}
