package akdb

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xsd"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

type source struct {
	set        settings
	production bool
	folder     *dropfolder.Folder
	xsd        *xsd.Validator // nil: not checked
	sentTo     *perHour       // Rückweisungen
	log        *zap.Logger
}

var (
	_ hub.Source  = (*source)(nil)
	_ hub.Placed  = (*source)(nil)
	_ hub.Watched = (*source)(nil)
)

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if set.SourcePrefix == "" {
		return nil, s.Errorf("source", "the prefix of the events' source is missing, for example urn:de:dvdv:")
	}
	validator, err := set.validator(s)
	if err != nil {
		return nil, err
	}
	folder, err := dropfolder.Open(set.Config, []string{".xml", ".zip"}, env.Log)
	if err != nil {
		return nil, err
	}
	return &source{
		set: set, production: env.Production, folder: folder, xsd: validator, sentTo: newPerHour(set.Rueckweisung.Hourly), log: env.Log,
	}, nil
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	p := s.set.Places()
	return hub.Places{In: p.In, SetAside: p.SetAside}
}

// Looked implements hub.Watched.
func (s *source) Looked() time.Time { return s.folder.Looked() }

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	return s.folder.Watch(ctx, func(ctx context.Context, f dropfolder.File) error {
		return s.takeOrSendBack(ctx, in, f)
	})
}

// take makes one file an event, or one of each of its cases. A refusal is a Permanent Fault with the code
// that a Rückweisung would have (XInneres, error codes), in the order of the
// checks: size and text, header, test mark, reader, XSD, structure.
func (s *source) take(ctx context.Context, in hub.Intake, f input) (*xoev.Message, error) {
	m, err := s.read(f)
	if err != nil {
		return nil, refusal(err)
	}
	m.IsTest = m.IsTest || f.test
	if err := s.admit(m); err != nil {
		return m, err
	}
	if err := s.checkFile(ctx, f, m); err != nil {
		return m, err
	}
	bodies, err := bodiesOf(m)
	if err != nil {
		return m, refusal(err)
	}
	original, err := store(ctx, in.Blobs(), f)
	if err != nil {
		return m, err
	}
	attachments, err := storeAttachments(ctx, in.Blobs(), f.attachments)
	if err != nil {
		return m, err
	}
	events, err := s.events(ctx, in.Blobs(), m, enclosing(m, bodies, attachments), original)
	if err != nil {
		return m, err
	}
	return m, publish(ctx, in, events)
}

// publish gives the events of one message to the hub, in order. After a crash in
// between all of them are given again, with the ids that they had.
func publish(ctx context.Context, in hub.Intake, events []hub.Event) error {
	for _, e := range events {
		if err := in.Publish(ctx, e); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

func (s *source) read(f opener) (*xoev.Message, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	limits := xmlguard.Defaults()
	limits.Bytes = s.set.MaxBytes
	limits.Kept = keptElements
	return xoev.ReadFile(r, limits, ownType)
}

// store keeps the file byte for byte. Its name is not kept: a message that is
// sent again under another name must become the same event.
func store(ctx context.Context, blobs hub.Blobs, f opener) (*xoev.Original, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	ref, err := blobs.Put(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("keep original: %w", err)
	}
	return &xoev.Original{
		Ref: ref.Ref, SHA256: ref.SHA256, Size: ref.Size, MediaType: mediaType(r),
	}, nil
}

// keptElements bounds what one message may have in memory as a tree. A 0201 has
// about 150 elements for each person.
const keptElements = 300_000

func mediaType(f *os.File) string {
	start := make([]byte, 4)
	if n, _ := f.ReadAt(start, 0); xoev.IsContainer(start[:n]) {
		return "application/zip"
	}
	return "application/xml"
}
