package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
)

// VerbQuarantine asks for an act on an event in quarantine, on the control channel.
const VerbQuarantine = "quarantine"

// QuarantineRequest asks for one of quarantine.Bulk.
type QuarantineRequest struct {
	Act    string `json:"act"`
	Seq    uint64 `json:"seq"` // in QUARANTINE
	Who    string `json:"who"`
	Reason string `json:"reason"`
	Lang   string `json:"lang"` // of what is said when it cannot be done
}

// QuarantineAnswer tells how far it has come.
type QuarantineAnswer struct {
	Underway bool `json:"underway"` // it is stored, and will be done
}

func (a *App) serveQuarantine(ctx context.Context, data []byte) ([]byte, error) {
	var req QuarantineRequest
	if err := json.Unmarshal(data, &req); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if !slices.Contains(quarantine.Bulk, req.Act) {
		return nil, fmt.Errorf("no act on an event in quarantine: %q", req.Act)
	}
	organisation, err := a.clears(ctx, req.Seq)
	if err != nil {
		return nil, err
	}
	if organisation == "" {
		if req.Lang == "de" {
			return nil, bus.ActError(fmt.Sprintf("im Klärungsfach lag nie etwas unter %d", req.Seq))
		}
		return nil, bus.ActError(fmt.Sprintf("nothing ever rested in quarantine as %d", req.Seq))
	}
	out, err := consoleHub{a}.Clear(ctx, organisation, quarantine.Request{Act: req.Act, Seq: req.Seq, Who: req.Who, Reason: req.Reason})
	if no, ok := errors.AsType[*quarantine.NotDone](err); ok {
		text := no.Why.Sentence(req.Lang)
		for _, v := range no.Violations {
			text += fmt.Sprintf(" %s: %s %s", v.Code, v.Code.Sentence(req.Lang), v.At)
		}
		return nil, bus.ActError(text)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(QuarantineAnswer{Underway: out == quarantine.Underway})
}

// clears tells whose quarantine an event lies or lay in; "" when there never was one.
func (a *App) clears(ctx context.Context, seq uint64) (organisation string, err error) {
	application := ""
	m, err := a.bus.Get(ctx, bus.Quarantine, seq)
	if err != nil {
		return "", err
	}
	if m != nil {
		application, _, _ = quarantine.Group(m.Subject)
	} else {
		act, err := quarantine.Last(ctx, a.bus, seq)
		if err != nil {
			return "", err
		}
		if act != nil {
			application = act.Application
		}
	}
	organisation, _, _ = strings.Cut(application, ".")
	return organisation, nil
}
