package filedrop

import (
	"context"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

type source struct{ folder *dropfolder.Folder }

var (
	_ hub.Source  = (*source)(nil)
	_ hub.Placed  = (*source)(nil)
	_ hub.Watched = (*source)(nil)
)

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	p := s.folder.Places()
	return hub.Places{In: p.In, SetAside: p.SetAside}
}

// Looked implements hub.Watched.
func (s *source) Looked() time.Time { return s.folder.Looked() }

// Run implements hub.Source. A file that is no event is set aside; one that the
// hub has stored is done.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	return s.folder.Watch(ctx, func(ctx context.Context, file dropfolder.File) error {
		content, err := file.Bytes()
		if err != nil {
			return err
		}
		event, err := parse(content)
		if err != nil {
			return err
		}
		if err := in.Publish(ctx, event); err != nil {
			return fmt.Errorf("publish event: %w", err)
		}
		return nil
	})
}
