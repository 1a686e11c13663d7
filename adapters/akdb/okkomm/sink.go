package okkomm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// typeNachricht is the event that carries a question in its original.
const typeNachricht = "de.xoev.nachricht.v1"

// sink asks OK.KOMM what events ask, once for each delivery, and lays the answer
// where the source takes it.
type sink struct {
	set        settings
	desk       *auskunft.Desk
	gateway    *eai.Lazy
	log        *zap.Logger
	production bool
}

var _ hub.Sink = (*sink)(nil)

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decodeSettings(env, s)
	if err != nil {
		return nil, err
	}
	if err := set.Xoev.Check(env, s, "xoevservice"); err != nil {
		return nil, err
	}
	desk, err := auskunft.OpenDesk(set.Dir)
	if err != nil {
		return nil, err
	}
	return &sink{set: set, desk: desk, gateway: &eai.Lazy{Config: set.Xoev}, log: cmp.Or(env.Log, zap.NewNop()), production: env.Production}, nil
}

// Deliver implements hub.Sink.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	if d.Event.Context == nil {
		return hub.Permanent(auskunft.Unmappable, "the delivery has no event")
	}
	if hub.IsReceipt(d.Event) {
		return nil
	}
	if err := auskunft.RefuseTest(auskunft.IsTest(d.Event), s.production); err != nil {
		return err
	}
	return s.desk.Once(ctx, auskunft.ID(d), messageEnding, func() ([]byte, error) { return s.ask(ctx, d) })
}

func (s *sink) ask(ctx context.Context, d hub.Delivery) ([]byte, error) {
	question, h, err := s.question(ctx, d)
	if err != nil {
		return nil, err
	}
	gateway, err := s.gateway.Client()
	if err != nil {
		return nil, hub.Retryable("settings", "ask OK.KOMM: %w", err)
	}
	s.log.Info("okkomm: asks", zap.String("nachricht", h.UUID), zap.String("delivery", d.ID))
	answer, err := (&Client{EAI: gateway}).Ask(ctx, question)
	if err != nil {
		return nil, auskunft.Fault(err)
	}
	return answer.Bytes, nil
}

// question is the event's original, if that is a message that may be asked.
func (s *sink) question(ctx context.Context, d hub.Delivery) ([]byte, *xoev.Header, error) {
	var data struct {
		Original *xoev.Original `json:"original"`
	}
	if d.Event.Type() != typeNachricht || json.Unmarshal(d.Event.Data(), &data) != nil || data.Original == nil {
		return nil, nil, hub.Permanent(auskunft.Unmappable, "the event is no XÖV message with its original")
	}
	r, err := d.Blobs.Open(ctx, data.Original.Ref)
	if err != nil {
		return nil, nil, fmt.Errorf("read the question: %w", err)
	}
	defer func() { _ = r.Close() }()
	content, err := io.ReadAll(io.LimitReader(r, eai.MaxAnswer+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read the question: %w", err)
	}
	h, err := xoev.ReadHeader(bytes.NewReader(content), limits())
	switch {
	case err != nil || h.UUID == "":
		return nil, nil, hub.Permanent(auskunft.Unmappable, "the original is no XÖV message")
	case !strings.EqualFold(h.Standard, "XMeld") || !slices.Contains(s.set.Fragen, h.Number()):
		return nil, nil, hub.Permanent(auskunft.Unmappable, "the original is no question that may be asked (setting fragen)")
	}
	if err := auskunft.RefuseTest(h.IsTest, s.production); err != nil {
		return nil, nil, err
	}
	return content, h, nil
}
