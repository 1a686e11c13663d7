package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

// Verbs of the control channel.
const (
	VerbRelease = "parked-release"
	VerbReturn  = "parked-return"
)

// ParkedRequest asks for a key to be released or returned.
type ParkedRequest struct {
	Key string `json:"key"` // plain text
	// Application narrows it down when the key is parked at several.
	Application string `json:"application,omitempty"`
	Who         string `json:"who"`
	Reason      string `json:"reason,omitempty"`
	Lang        string `json:"lang"` // of what is said when it cannot be done
}

// ParkedAnswer tells what was released or returned.
type ParkedAnswer struct {
	Application string             `json:"application"`
	Direction   decision.Direction `json:"direction"`
	Messages    uint64             `json:"messages"`
}

// place is where keys are parked: a mailbox, or the lanes of an organisation.
type place interface {
	Release(ctx context.Context, token string) error
	Return(ctx context.Context, token string) (int, error)
}

// serve answers one verb of the control channel until Stop; when it returns, a
// command is heard.
func (a *App) serve(ctx context.Context, verb string, handle func(context.Context, []byte) ([]byte, error)) error {
	l, err := a.bus.Listen(ctx, verb)
	if err != nil {
		return err
	}
	a.group.Go(func() error { return l.Serve(a.run, handle) })
	return nil
}

// control listens for what commands ask the running hub to do.
func (a *App) control(ctx context.Context) error {
	return errors.Join(append(append(a.webhookControl(ctx), a.replayControl(ctx)...),
		a.serve(ctx, VerbReload, a.serveReload),
		a.serve(ctx, VerbIndex, a.serveIndex),
		a.serve(ctx, VerbToken, a.serveToken),
		a.serve(ctx, VerbCredentials, a.serveCredentials),
		a.serve(ctx, VerbQuarantine, a.serveQuarantine),
		a.serve(ctx, VerbRelease, func(ctx context.Context, data []byte) ([]byte, error) {
			return a.parkedAct(ctx, decision.ActRelease, data)
		}),
		a.serve(ctx, VerbReturn, func(ctx context.Context, data []byte) ([]byte, error) {
			return a.parkedAct(ctx, decision.ActReturn, data)
		}),
	)...)
}

// parkedAct finds the key, records the act, and does it.
func (a *App) parkedAct(ctx context.Context, act string, data []byte) ([]byte, error) {
	var req ParkedRequest
	if err := json.Unmarshal(data, &req); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	entries, err := parked.List(ctx, a.bus)
	if err != nil {
		return nil, err
	}
	found, err := findParked(entries, req)
	if err != nil {
		return nil, err
	}
	at := a.place(placeOf(found.ParkedKey))
	if at == nil {
		return nil, req.says("%s hat in diesem Amtsboten keinen Ort, an dem Schlüssel geparkt sind: der Datensteward muss das Fachverfahren und seinen Adapter wieder ins Verbundverzeichnis aufnehmen",
			"%s is not served by this hub: a steward must put the application and its adapter back into the federation directory", found.Application)
	}
	if paused, _ := a.pauses.get(pausedReceiver + found.Application); paused != nil && found.Direction == decision.Out {
		return nil, req.says("%s ist angehalten: erst fortsetzen, dann freigeben oder zurückgeben", "%s is paused: let it go on first, then release or return", found.Application)
	}
	answer := ParkedAnswer{Application: found.Application, Direction: found.Direction, Messages: found.Messages}
	if err := a.recordAct(ctx, act, found, req); err != nil {
		return nil, err
	}
	if act == decision.ActRelease {
		err = at.Release(ctx, found.Token)
	} else {
		var n int
		n, err = at.Return(ctx, found.Token)
		answer.Messages = uint64(n) //nolint:gosec // a count
	}
	a.log.Info("a person acted on a parked key", zap.String("act", act), zap.String("key", found.Token),
		zap.String("application", found.Application), zap.Uint64("messages", answer.Messages), zap.Error(err))
	if err != nil {
		return nil, req.because(err)
	}
	return json.Marshal(answer)
}

// placeOf names the place of a key in App.places.
func placeOf(k decision.ParkedKey) string {
	if k.Direction == decision.In {
		return "in " + k.Organisation()
	}
	return "out " + k.Application
}

// findParked finds the one place where the key is parked. An In key of several
// applications of one organisation is one key.
func findParked(entries []parked.Entry, req ParkedRequest) (*parked.Entry, error) {
	token := event.KeyToken(req.Key)
	places := map[string]*parked.Entry{}
	var names []string
	for i := range entries {
		e := &entries[i]
		if e.Token != token || req.Application != "" && e.Application != req.Application {
			continue
		}
		where := placeOf(e.ParkedKey)
		if first := places[where]; first != nil {
			first.Messages += e.Messages
			continue
		}
		places[where] = e
		names = append(names, e.Application)
	}
	switch len(places) {
	case 0:
		return nil, req.says("dieser Schlüssel ist nicht geparkt; \"amtsbote parked list\" nennt die geparkten", "this key is not parked; \"amtsbote parked list\" names those that are")
	case 1:
		for _, e := range places {
			return e, nil
		}
	}
	slices.Sort(names)
	return nil, req.says("der Schlüssel ist an mehreren Stellen geparkt (%s): mit --application eine nennen", "the key is parked at several places (%s): name one with --application", strings.Join(names, ", "))
}

// says makes an error in the language of who asks.
func (r ParkedRequest) says(de, en string, args ...any) error {
	if r.Lang == "de" {
		return bus.ActError(fmt.Sprintf(de, args...))
	}
	return bus.ActError(fmt.Sprintf(en, args...))
}

// because tells in the language of who asks why a place did not act.
func (r ParkedRequest) because(err error) error {
	switch {
	case errors.Is(err, parked.ErrNotParked):
		return r.says("der Schlüssel ist inzwischen frei", "the key is free meanwhile")
	case errors.Is(err, parked.ErrReturning):
		return r.says("der Schlüssel geht schon an den Absender zurück", "the key is on its way back to the sender already")
	case errors.Is(err, parked.ErrStarting):
		return r.says("der Amtsbote liest noch, was geparkt ist: gleich noch einmal versuchen", "the hub is still reading what is parked: try again")
	}
	return err
}

// recordAct writes who does what to the trail, before it is done.
func (a *App) recordAct(ctx context.Context, act string, e *parked.Entry, req ParkedRequest) error {
	m, err := trail.Act(&decision.Act{
		Act: act, Application: e.Application, Direction: e.Direction, Key: e.Token, Messages: e.Messages,
		Who: req.Who, Reason: req.Reason, At: time.Now().UTC(),
	})
	if err != nil {
		return err
	}
	_, err = a.bus.AppendUnguarded(ctx, []event.Message{m})
	return err
}
