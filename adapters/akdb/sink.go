package akdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmlout"
	"github.com/amtsbote/amtsbote/adapters/akdb/xsd"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

const cannotMap = "unmappable"

type sink struct {
	set        settings
	production bool
	folder     *dropfolder.Folder
	xsd        *xsd.Validator // nil: not checked
	log        *zap.Logger
	uuids      string // folder, see buildOnce
	uuid       string // of the message that is built; empty: that of its file
}

var (
	_ hub.Sink   = (*sink)(nil)
	_ hub.Placed = (*sink)(nil)
)

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	validator, err := set.validator(s)
	if err != nil {
		return nil, err
	}
	folder, err := dropfolder.Open(set.Config, []string{".xml", ".zip"}, env.Log)
	if err != nil {
		return nil, err
	}
	return &sink{set: set, production: env.Production, folder: folder, xsd: validator, log: env.Log, uuids: filepath.Join(set.Dir, uuidFolder)}, nil
}

// Places implements hub.Placed.
func (s *sink) Places() hub.Places { return hub.Places{Out: s.set.Places().Out} }

// Deliver implements hub.Sink. Name and bytes of the file depend on the event
// and the settings alone, so a second call writes the same file.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write to out: %w", err)
	}
	name, content, err := s.message(ctx, d)
	if err != nil {
		return err
	}
	return s.folder.Write(name, content)
}

// message gives the message that stands for the event, and the name of its file.
func (s *sink) message(ctx context.Context, d hub.Delivery) (name string, content []byte, err error) {
	if isTest(d.Event) && s.production {
		return "", nil, hub.Permanent(otherwise, "a test message (attribute xoevtest) in production")
	}
	t, ok := templates[d.Event.Type()]
	if !ok {
		return "", nil, hub.Permanent(cannotMap, "no XÖV message is known for events of type %s", d.Event.Type())
	}
	name, content, err = t.write(ctx, s, d)
	if wrong, ok := errors.AsType[*xmlout.UnmappableError](err); ok {
		return "", nil, hub.Permanent(cannotMap, "write %s: %w", t, wrong)
	}
	if err != nil {
		return "", nil, err
	}
	return name, content, s.valid(ctx, t, content)
}

// decodeData reads the event's data into a struct of its type.
func decodeData[T any](e hub.Event) (*T, error) {
	d := new(T)
	if err := json.Unmarshal(e.Data(), d); err != nil {
		// The JSON error quotes values.
		return nil, hub.Permanent(cannotMap, "read event data: not the shape of %s", e.Type())
	}
	return d, nil
}
