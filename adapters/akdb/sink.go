package akdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

const cannotMap = "unmappable"

type sink struct {
	set        settings
	production bool
	folder     *dropfolder.Folder
	log        *zap.Logger
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
	folder, err := dropfolder.Open(set.Config, []string{".xml"}, env.Log)
	if err != nil {
		return nil, err
	}
	return &sink{set: set, production: env.Production, folder: folder, log: env.Log}, nil
}

// Places implements hub.Placed.
func (s *sink) Places() hub.Places { return hub.Places{Out: s.set.Places().Out} }

// Deliver implements hub.Sink. Name and bytes of the file depend on the event
// and the settings alone, so a second call writes the same file.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write to out: %w", err)
	}
	code, content, err := s.message(ctx, d)
	if err != nil {
		return err
	}
	return s.folder.Write(xmeld.Standard+"_"+code+"_"+messageUUID(d.Event)+".xml", content)
}

// message gives the message that the event becomes, and its number.
func (s *sink) message(ctx context.Context, d hub.Delivery) (code string, content []byte, err error) {
	if isTest(d.Event) && s.production {
		return "", nil, hub.Permanent(otherwise, "a test message (attribute xoevtest) in production")
	}
	code, ok := codes[d.Event.Type()]
	if !ok {
		return "", nil, hub.Permanent(cannotMap, "no XÖV message is known for events of type %s", d.Event.Type())
	}
	content, err = s.content(ctx, d, code)
	if wrong, ok := errors.AsType[*xmeld.UnmappableError](err); ok {
		return "", nil, hub.Permanent(cannotMap, "write XMeld %s: %w", code, wrong)
	}
	return code, content, err
}

var codes = map[string]string{
	xmeld.TypeEingegangen:     xmeld.Meldeschein,
	xmeld.TypeAngenommen:      xmeld.Ergebnis,
	xmeld.TypeZurueckgewiesen: xmeld.Ergebnis,
}

// content is the original message if the receiver may have it, else one built
// from the fields.
func (s *sink) content(ctx context.Context, d hub.Delivery, code string) ([]byte, error) {
	var held struct {
		Original *xoev.Original `json:"original"`
	}
	if err := json.Unmarshal(d.Event.Data(), &held); err != nil {
		return nil, hub.Permanent(cannotMap, "read event data: not the JSON of %s", d.Event.Type())
	}
	content, err := s.original(ctx, d, held.Original, code)
	if err != nil || content != nil {
		return content, err
	}
	return s.build(ctx, d)
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

func (s *sink) build(ctx context.Context, d hub.Delivery) ([]byte, error) {
	switch d.Event.Type() {
	case xmeld.TypeEingegangen:
		data, err := decodeData[xmeld.Eingegangen](d.Event)
		if err != nil {
			return nil, err
		}
		return xmeld.WriteMeldeschein(s.envelope(d.Event, data.Kopf), data, s.set.Religion)
	case xmeld.TypeAngenommen:
		data, err := decodeData[xmeld.Angenommen](d.Event)
		if err != nil {
			return nil, err
		}
		pdf, err := s.blob(ctx, d, data.Meldebestaetigung)
		if err != nil {
			return nil, err
		}
		return xmeld.WriteAngenommen(s.envelope(d.Event, data.Kopf), data, pdf)
	case xmeld.TypeZurueckgewiesen:
		data, err := decodeData[xmeld.Zurueckgewiesen](d.Event)
		if err != nil {
			return nil, err
		}
		pdf, err := s.blob(ctx, d, data.Bescheid)
		if err != nil {
			return nil, err
		}
		v := s.envelope(d.Event, data.Kopf)
		return xmeld.WriteZurueckgewiesen(v, data, xmeld.Anschrift{AGS: place(d.Event, v.Autor)}, pdf)
	}
	return nil, fmt.Errorf("no template for %s", d.Event.Type()) // codes knows it, so there is one
}
