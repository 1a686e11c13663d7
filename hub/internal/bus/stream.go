package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
)

// Streams and their subject roots (DESIGN §2).
const (
	Trail      = "TRAIL"
	Out        = accounts.Stream
	Quarantine = "QUARANTINE"
	Parked     = "PARKED"
	in         = "IN_"
	edge       = "EDGE_"
)

// InStream is the stream that an organisation's applications publish to,
// EdgeStream the one that the hub's own adapters enter by.
func InStream(organisation string) string { return in + organisation }

// EdgeStream see InStream.
func EdgeStream(organisation string) string { return edge + organisation }

// Sizes.
const (
	// MaxPayload of the server: room for a quarantined message with its reason.
	MaxPayload = 2 << 20
	// maxIn is the largest message of an in stream, headers included.
	maxIn = accounts.MaxMessage
)

// StreamSpec is a stream as the hub needs it. What is not said here is the same
// for all: file storage, limits retention, discard new, no age limit, no
// compression, no roll-up, no message TTL, no schedules.
type StreamSpec struct {
	Name     string
	Subjects []string
	MaxBytes int64
	MaxMsg   int32
	// Atomic permits batches; streams that clients reach never have it.
	Atomic bool
	// Audit denies deletes and purges.
	Audit bool
	// Foreign marks streams that senders write to. They have no direct get: its
	// answer carries the stored headers before the server's own, so a sender's
	// Nats-Sequence would be believed.
	Foreign bool
	// Replicas is 1 or, in a cluster, 3 or 5.
	Replicas int
	// Move rewrites the subject of what comes at Move[0] to Move[1]; both end with
	// ".>". Empty: nothing is.
	Move [2]string
}

// Layout is how large the hub's own streams are, in bytes.
type Layout struct {
	Trail, Out, Quarantine, Parked, State, Schemas, Blobs int64
	Replicas                                              int
}

// Organisation is what the layout needs to know of one.
type Organisation struct {
	ID    string
	Quota int64 // bytes of each of its two in streams
	// Account is the public key of its NATS account; "" when it has none.
	Account string
}

// Specs lists all streams for these organisations.
func (l Layout) Specs(orgs []Organisation) []StreamSpec {
	specs := []StreamSpec{
		{Name: Trail, Subjects: []string{"trail.>"}, MaxBytes: l.Trail, MaxMsg: MaxPayload, Atomic: true, Audit: true},
		{Name: Out, Subjects: []string{"out.>"}, MaxBytes: l.Out, MaxMsg: MaxPayload, Atomic: true},
		{Name: Quarantine, Subjects: []string{"quarantine.>"}, MaxBytes: l.Quarantine, MaxMsg: MaxPayload, Atomic: true},
		{Name: Parked, Subjects: []string{"parked.>"}, MaxBytes: l.Parked, MaxMsg: MaxPayload, Atomic: true},
	}
	for _, o := range orgs {
		specs = append(specs,
			inSpec(o),
			StreamSpec{Name: EdgeStream(o.ID), Subjects: []string{"edge." + o.ID + ".>"}, MaxBytes: o.Quota, MaxMsg: maxIn, Atomic: true, Foreign: true})
	}
	for i := range specs {
		specs[i].Replicas = max(l.Replicas, 1)
	}
	return specs
}

// inSpec is the stream of what an organisation publishes: the hub's own account says
// in.<organisation>.…, from the organisation's account it comes stamped with that
// account's key, which nobody else can have there.
func inSpec(o Organisation) StreamSpec {
	own := "in." + o.ID + ".>"
	s := StreamSpec{Name: InStream(o.ID), Subjects: []string{own}, MaxBytes: o.Quota, MaxMsg: maxIn, Foreign: true}
	if o.Account != "" {
		s.Move = [2]string{"in." + o.Account + "." + o.ID + ".>", own}
		s.Subjects = append(s.Subjects, s.Move[0])
	}
	return s
}

// Total is how much store the layout can need for these organisations.
func (l Layout) Total(orgs []Organisation) int64 {
	sum := l.State + l.Schemas + l.Blobs
	for _, s := range l.Specs(orgs) {
		sum += s.MaxBytes
	}
	return sum + sum/8 // metadata and consumers
}

func (s StreamSpec) config() jetstream.StreamConfig {
	var move *jetstream.SubjectTransformConfig
	if s.Move[0] != "" {
		move = &jetstream.SubjectTransformConfig{Source: s.Move[0], Destination: s.Move[1]}
	}
	return jetstream.StreamConfig{
		SubjectTransform:   move,
		Name:               s.Name,
		Subjects:           s.Subjects,
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardNew,
		Storage:            jetstream.FileStorage,
		MaxBytes:           s.MaxBytes,
		MaxMsgSize:         s.MaxMsg,
		MaxMsgs:            -1,
		MaxMsgsPerSubject:  -1,
		MaxConsumers:       -1,
		Replicas:           s.Replicas,
		Duplicates:         100 * time.Millisecond, // cannot be off; the hub de-duplicates itself
		AllowDirect:        !s.Foreign,
		AllowAtomicPublish: s.Atomic,
		DenyDelete:         s.Audit,
		DenyPurge:          s.Audit,
	}
}

// Drift is a difference between a stream as it is and as it must be.
type Drift struct {
	Stream, Setting string
	Is, Must        any
}

func (d Drift) String() string {
	return fmt.Sprintf("stream %s: %s is %v, must be %v", d.Stream, d.Setting, d.Is, d.Must)
}

// DriftError lists all drifts; the hub does not start with one.
type DriftError []Drift

func (e DriftError) Error() string {
	lines := make([]string, 0, len(e)+1)
	lines = append(lines, "the streams are not as this federation needs them; the hub neither keeps such settings silently nor changes them by itself:")
	for _, d := range e {
		lines = append(lines, "  "+d.String())
	}
	return strings.Join(lines, "\n")
}

// EnsureStreams makes the streams that are missing and compares those that
// exist. Any difference is a DriftError, and then nothing was changed.
func (b *Bus) EnsureStreams(ctx context.Context, specs []StreamSpec) error {
	var drifts DriftError
	var missing []StreamSpec
	for _, spec := range specs {
		s, err := b.js.Stream(ctx, spec.Name)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			missing = append(missing, spec)
		case err != nil:
			return fmt.Errorf("look at stream %s: %w", spec.Name, err)
		default:
			drifts = append(drifts, drift(spec, s.CachedInfo().Config)...)
		}
	}
	if len(drifts) > 0 {
		return drifts
	}
	for _, spec := range missing {
		if _, err := b.js.CreateStream(ctx, spec.config()); err != nil {
			return fmt.Errorf("make stream %s: %w", spec.Name, err)
		}
	}
	return nil
}

func drift(spec StreamSpec, is jetstream.StreamConfig) []Drift {
	must := spec.config()
	var out []Drift
	for _, c := range []struct {
		setting  string
		is, must any
	}{
		{"subjects", strings.Join(is.Subjects, " "), strings.Join(must.Subjects, " ")},
		{"retention", is.Retention.String(), must.Retention.String()},
		{"discard", is.Discard.String(), must.Discard.String()},
		{"discard new per subject", is.DiscardNewPerSubject, must.DiscardNewPerSubject},
		{"storage", is.Storage.String(), must.Storage.String()},
		{"max bytes", is.MaxBytes, must.MaxBytes},
		{"max message size", is.MaxMsgSize, must.MaxMsgSize},
		{"max messages", is.MaxMsgs, must.MaxMsgs},
		{"max messages per subject", is.MaxMsgsPerSubject, must.MaxMsgsPerSubject},
		{"max age", is.MaxAge.String(), must.MaxAge.String()},
		{"replicas", is.Replicas, must.Replicas},
		{"duplicate window", is.Duplicates.String(), must.Duplicates.String()},
		{"no ack", is.NoAck, must.NoAck},
		{"sealed", is.Sealed, must.Sealed},
		{"deny delete", is.DenyDelete, must.DenyDelete},
		{"deny purge", is.DenyPurge, must.DenyPurge},
		{"allow direct get", is.AllowDirect, must.AllowDirect},
		{"allow roll-up", is.AllowRollup, must.AllowRollup},
		{"allow message TTL", is.AllowMsgTTL, must.AllowMsgTTL},
		{"allow schedules", is.AllowMsgSchedules, must.AllowMsgSchedules},
		{"allow counters", is.AllowMsgCounter, must.AllowMsgCounter},
		{"allow atomic batches", is.AllowAtomicPublish, must.AllowAtomicPublish},
		{"allow fast batches", is.AllowBatchPublish, must.AllowBatchPublish},
		{"compression", is.Compression.String(), must.Compression.String()},
		{"persist mode", is.PersistMode.String(), must.PersistMode.String()},
		{"mirror", is.Mirror != nil, false},
		{"sources", len(is.Sources), 0},
		{"republish", is.RePublish != nil, false},
		{"subject transform", moves(is), moves(must)},
	} {
		if c.is != c.must {
			out = append(out, Drift{Stream: spec.Name, Setting: c.setting, Is: c.is, Must: c.must})
		}
	}
	return out
}

func moves(c jetstream.StreamConfig) string {
	if c.SubjectTransform == nil {
		return "none"
	}
	return c.SubjectTransform.Source + " to " + c.SubjectTransform.Destination
}

// InStreams lists the in streams that exist, both kinds.
func (b *Bus) InStreams(ctx context.Context) ([]string, error) {
	var out []string
	names := b.js.StreamNames(ctx)
	for name := range names.Name() {
		if strings.HasPrefix(name, in) || strings.HasPrefix(name, edge) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, names.Err()
}
