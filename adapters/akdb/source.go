package akdb

import (
	"context"
	"fmt"
	"os"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

type source struct {
	set        settings
	production bool
	folder     *dropfolder.Folder
	log        *zap.Logger
}

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if set.SourcePrefix == "" {
		return nil, s.Errorf("source", "the prefix of the events' source is missing, for example urn:de:dvdv:")
	}
	folder, err := dropfolder.Open(set.Config, []string{".xml", ".zip"}, env.Log)
	if err != nil {
		return nil, err
	}
	return &source{set: set, production: env.Production, folder: folder, log: env.Log}, nil
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	p := s.set.Places()
	return hub.Places{In: p.In, SetAside: p.SetAside}
}

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	return s.folder.Watch(ctx, func(ctx context.Context, f dropfolder.File) error {
		return s.take(ctx, in, input{opener: f})
	})
}

// take makes one file an event. A refusal is a Permanent Fault with the code
// that a Rückweisung would have (XInneres, error codes), in the order of the
// checks: size and text, header, test mark, reader, structure.
func (s *source) take(ctx context.Context, in hub.Intake, f input) error {
	m, err := s.read(f)
	if err != nil {
		return refusal(err)
	}
	m.IsTest = m.IsTest || f.test
	if err := s.admit(m); err != nil {
		return err
	}
	body, err := bodyOf(m)
	if err != nil {
		return refusal(err)
	}
	original, err := store(ctx, in.Blobs(), f)
	if err != nil {
		return err
	}
	attachments, err := storeAttachments(ctx, in.Blobs(), f.attachments)
	if err != nil {
		return err
	}
	body = enclosing(m, body, attachments)
	if err := body.attach(ctx, in.Blobs(), original); err != nil {
		return err
	}
	e, err := s.event(m, body, original)
	if err != nil {
		return err
	}
	if err := in.Publish(ctx, e); err != nil {
		return fmt.Errorf("publish: %w", err)
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
	return xoev.ReadFile(r, limits, xmeld.Typed)
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

func mediaType(f *os.File) string {
	start := make([]byte, 4)
	if n, _ := f.ReadAt(start, 0); xoev.IsContainer(start[:n]) {
		return "application/zip"
	}
	return "application/xml"
}
