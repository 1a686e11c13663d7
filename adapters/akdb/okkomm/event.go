package okkomm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

var (
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	keyForm  = regexp.MustCompile(`^[^:\s\pC]{2,6}:[^:\s\pC]+$`)
	codeForm = regexp.MustCompile(`^[A-Za-z0-9.]{1,40}$`)
)

// take makes one message an event of type de.xoev.nachricht.v1: its header, its
// blocks, and the whole message as blob. Codes are those of a Rückweisung (XInneres).
func (s *source) take(ctx context.Context, in hub.Intake, f dropfolder.File) error {
	m, err := read(f)
	if err != nil {
		return err
	}
	if err := s.admit(m); err != nil {
		return err
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	ref, err := in.Blobs().Put(ctx, r)
	if err != nil {
		return fmt.Errorf("keep original: %w", err)
	}
	e, err := s.event(m, xoev.Original{Ref: ref.Ref, SHA256: ref.SHA256, Size: ref.Size, MediaType: "application/xml"})
	if err != nil {
		return err
	}
	if err := in.Publish(ctx, e); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

func read(f dropfolder.File) (*xoev.Message, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	m, err := xoev.Read(r, limits(), nil)
	if bad, ok := errors.AsType[*xmlguard.Error](err); ok {
		return nil, hub.Permanent("xoev-x000", "read message: %w", bad)
	}
	return m, err
}

func (s *source) admit(m *xoev.Message) error {
	switch {
	case m.Dialect == xoev.NoHeader:
		return hub.Permanent("xoev-x001", "no XÖV header")
	case m.IsTest && s.production:
		return hub.Permanent("xoev-s999", "a test message (attribute test) in production")
	case len(s.set.Leser) > 0 && !slices.ContainsFunc(s.set.Leser, func(k string) bool { return strings.EqualFold(k, m.Leser.Kennung) }):
		return hub.Permanent("xoev-t080", "the message is for another reader")
	case !uuidForm.MatchString(m.UUID):
		return hub.Permanent("xoev-x001", "nachrichtenUUID is missing or no UUID")
	case !keyForm.MatchString(m.Autor.Kennung):
		return hub.Permanent("xoev-s011", "the author's key (autor) is no DVDV key")
	}
	return nil
}

func (s *source) event(m *xoev.Message, original xoev.Original) (hub.Event, error) {
	created, err := xoev.ParseTime(m.Created)
	if err != nil {
		return hub.Event{}, hub.Permanent("xoev-x001", "erstellungszeitpunkt: %w", err)
	}
	data, err := json.Marshal(struct {
		Kopf     xoev.Kopf      `json:"kopf"`
		Sperren  *xmeld.Sperren `json:"sperren,omitempty"`
		Original xoev.Original  `json:"original"`
	}{m.Kopf(), xmeld.SperrenIn(m), original})
	if err != nil {
		return hub.Event{}, fmt.Errorf("write event data: %w", err)
	}
	e := cloudevents.New()
	e.SetID(m.UUID)
	e.SetSource(s.set.Source + url.PathEscape(m.Autor.Kennung))
	e.SetType(typeNachricht)
	e.SetTime(created)
	e.SetDataSchema("urn:amtsbote:schema:" + typeNachricht)
	correlation := m.UUID
	if uuidForm.MatchString(m.Origin) {
		correlation = m.Origin // the question's
	}
	e.SetExtension(hub.AttrCorrelationID, correlation)
	for name, value := range map[string]string{
		"xoevstandard": m.Standard, "xoevversion": m.Version, "xoevmsgtype": m.Number(),
	} {
		if codeForm.MatchString(value) {
			e.SetExtension(name, value)
		}
	}
	for name, value := range map[string]string{"xoevautor": m.Autor.Kennung, "xoevleser": m.Leser.Kennung} {
		if keyForm.MatchString(value) && len(value) <= 100 {
			e.SetExtension(name, value)
		}
	}
	if m.IsTest {
		e.SetExtension("xoevtest", "true")
	}
	return e, e.SetData("application/json", data)
}
