package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/console"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/replay"
)

// replay starts what carries out replays.
func (a *App) replay() {
	now := a.cfg.Now
	if now == nil {
		now = time.Now
	}
	a.replays = &replay.Engine{Bus: a.bus, Index: a.index, Current: a.version.Load, Boxes: a.boxes, Now: now, Log: a.log.Named("replay")}
	a.group.Go(func() error { return a.replays.Run(a.run) })
}

// Replays implements console.Hub.
func (h consoleHub) Replays() *replay.Engine { return h.a.replays }

// Verbs of the control channel for replays. Neither asking for one nor approving it is
// among them: a command on this machine does not know people as the console does, so it
// could not tell whether two are one person. VerbReplayRequest leads to the page.
const (
	VerbReplayLook    = "replay-look"
	VerbReplayRequest = "replay-request"
	VerbReplayList    = "replay-list"
	VerbReplayCancel  = "replay-cancel"
)

// ReplayRequest is what a command asks for.
type ReplayRequest struct {
	Scope  decision.ReplayScope `json:"scope,omitzero"`
	Run    string               `json:"run,omitempty"` // for VerbReplayCancel
	Who    string               `json:"who"`
	Reason string               `json:"reason,omitempty"`
	Lang   string               `json:"lang"`
}

// ReplayAnswer is what became of it.
type ReplayAnswer struct {
	Link  string       `json:"link,omitempty"` // for VerbReplayRequest
	Found replay.Look  `json:"found,omitzero"`
	Runs  []ReplayLine `json:"runs,omitempty"`
}

// ReplayLine is a replay as it is listed.
type ReplayLine struct {
	Run         string                `json:"run"`
	Application string                `json:"app"`
	State       replay.State          `json:"state"`
	Requested   time.Time             `json:"requested"`
	Who         string                `json:"who"`
	Counts      decision.ReplayCounts `json:"counts"`
	Expected    decision.ReplayCounts `json:"expected"`
}

// dryRunFor bounds a dry run that a command waits for.
const dryRunFor = 8 * time.Second

func (a *App) replayControl(ctx context.Context) (errs []error) {
	for verb, do := range map[string]func(context.Context, *ReplayRequest) (*ReplayAnswer, error){
		VerbReplayLook: a.replayLook, VerbReplayRequest: a.replayRequest, VerbReplayList: a.replayList, VerbReplayCancel: a.replayCancel,
	} {
		errs = append(errs, a.serve(ctx, verb, func(ctx context.Context, data []byte) ([]byte, error) {
			var req ReplayRequest
			if err := json.Unmarshal(data, &req); err != nil {
				return nil, fmt.Errorf("read the request: %w", err)
			}
			answer, err := do(ctx, &req)
			if err != nil {
				return nil, req.because(err)
			}
			return json.Marshal(answer)
		}))
	}
	return errs
}

func (a *App) replayLook(ctx context.Context, req *ReplayRequest) (*ReplayAnswer, error) {
	counting, cancel := context.WithTimeout(ctx, dryRunFor)
	defer cancel()
	found, err := a.replays.DryRun(counting, req.Scope, 0)
	if err == nil {
		err = consoleHub{a}.Record(ctx, found.Act(replay.By{Who: req.Who}, a.replays.Now()))
	}
	return &ReplayAnswer{Found: found}, err
}

// replayRequest gives the address of the page where a person who is logged in asks for
// it, filled in.
func (a *App) replayRequest(_ context.Context, req *ReplayRequest) (*ReplayAnswer, error) {
	if a.steward == nil || a.cfg.Console.OIDC.Issuer == "" {
		return nil, errNobody
	}
	s, v := &req.Scope, url.Values{}
	for name, value := range map[string]string{
		"app": s.Application, "agreement": s.Agreement, "type": s.Type, "case": s.Case, "sender": s.Sender, "from": console.DayOf(s.From), "to": console.LastDayOf(s.To),
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return &ReplayAnswer{Link: a.steward.server.URL() + "/replays/new?" + v.Encode()}, nil
}

// errNobody: without people who log in there is no second one.
var errNobody = errors.New("nobody could approve it")

func (a *App) replayList(context.Context, *ReplayRequest) (*ReplayAnswer, error) {
	answer := &ReplayAnswer{}
	for _, r := range a.replays.Runs() {
		answer.Runs = append(answer.Runs, ReplayLine{
			Run: r.ID, Application: r.Scope.Application, State: r.State(a.replays.Now()), Requested: r.Request.At, Who: r.Request.Who, Counts: r.Counts, Expected: r.Expected,
		})
	}
	return answer, nil
}

func (a *App) replayCancel(ctx context.Context, req *ReplayRequest) (*ReplayAnswer, error) {
	return &ReplayAnswer{}, a.replays.Cancel(ctx, req.Run, replay.By{Who: req.Who}, req.Reason)
}

// because tells in the language of who asks why it is not done.
func (r *ReplayRequest) because(err error) error {
	for known, says := range map[error][2]string{
		replay.ErrStarting: {"der Amtsbote liest noch, welche Wiederholungen es gibt: gleich noch einmal versuchen", "the hub is still reading which replays there are: try again"},
		replay.ErrUnknown:  {"diese Wiederholung gibt es nicht; \"amtsbote replay list\" nennt alle", "there is no such replay; \"amtsbote replay list\" names all"},
		replay.ErrScope:    {"der Umfang passt nicht: ORG.APP ist ein Fachverfahren mit Eingangsfach, --from liegt nicht hinter --to", "the scope does not fit: ORG.APP is an application with a mailbox, --from does not lie behind --to"},
		replay.ErrState:    {"die Wiederholung ist inzwischen weiter", "the replay has moved on meanwhile"},
		replay.ErrBusy:     {"gerade wird für andere gezählt: gleich noch einmal versuchen", "it is counting for others right now: try again"},
		errNobody:          {"niemand könnte zustimmen: die Konsole braucht einen Anmeldedienst (serve --console-oidc-issuer)", "nobody could approve it: the console needs an identity provider (serve --console-oidc-issuer)"},
	} {
		if errors.Is(err, known) {
			if r.Lang == "de" {
				return bus.ActError(says[0])
			}
			return bus.ActError(says[1])
		}
	}
	return err
}
