package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/webhook"
)

// Verbs of the control channel about webhooks.
const (
	VerbWebhooks      = "webhook-list"
	VerbWebhookPause  = "webhook-pause"
	VerbWebhookResume = "webhook-resume"
)

// WebhookRequest asks for a webhook to be paused or resumed.
type WebhookRequest struct {
	Application string `json:"application"`
	Who         string `json:"who"`
	Reason      string `json:"reason,omitempty"`
	Lang        string `json:"lang"`
}

// WebhookStatus is how an application's webhook stands.
type WebhookStatus struct {
	Application string         `json:"application"`
	Waiting     uint64         `json:"waiting"` // copies in its mailbox
	Now         time.Time      `json:"now"`
	State       *webhook.State `json:"state"`
}

func (a *App) webhookControl(ctx context.Context) []error {
	return []error{
		a.serve(ctx, VerbWebhooks, a.listWebhooks),
		a.serve(ctx, VerbWebhookPause, func(ctx context.Context, data []byte) ([]byte, error) {
			return a.webhookAct(ctx, data, pauseHook)
		}),
		a.serve(ctx, VerbWebhookResume, func(ctx context.Context, data []byte) ([]byte, error) {
			return a.webhookAct(ctx, data, a.resumeHook)
		}),
	}
}

func (a *App) listWebhooks(ctx context.Context, _ []byte) ([]byte, error) {
	waiting, err := a.bus.Mailboxes(ctx)
	if err != nil {
		return nil, err
	}
	out := []WebhookStatus{}
	for _, h := range a.hooks() {
		s := a.stateOf(h)
		s.Key = "" // lets a receiver consent
		out = append(out, WebhookStatus{h.Application, waiting[decision.MailboxName(h.Application)], time.Now().UTC(), s})
	}
	return json.Marshal(out)
}

func (a *App) webhookAct(ctx context.Context, data []byte, act func(context.Context, *webhook.Hook, string, string) error) ([]byte, error) {
	var req WebhookRequest
	if err := json.Unmarshal(data, &req); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	h := a.hook(req.Application)
	if h == nil {
		says := fmt.Sprintf("%s has no webhook here; \"amtsbote webhook list\" names those that run", req.Application)
		if req.Lang == "de" {
			says = fmt.Sprintf("%s hat hier keinen Webhook; \"amtsbote webhook list\" nennt die laufenden", req.Application)
		}
		return nil, bus.ActError(says)
	}
	err := act(ctx, h, req.Who, req.Reason)
	if errors.Is(err, webhook.ErrNotRunning) {
		says := fmt.Sprintf("the webhook of %s is just starting, or a reload has just ended it: nothing is changed; ask again in a moment", req.Application)
		if req.Lang == "de" {
			says = fmt.Sprintf("der Webhook von %s startet gerade oder wurde eben durch reload beendet: nichts ist geändert; gleich noch einmal versuchen", req.Application)
		}
		return nil, bus.ActError(says)
	}
	if err != nil {
		return nil, err
	}
	return []byte("{}"), nil
}

// hooks gives the webhooks at work, by application.
func (a *App) hooks() (out []*webhook.Hook) {
	at := a.atWork()
	for _, application := range slices.Sorted(maps.Keys(at.hooks)) {
		out = append(out, at.hooks[application])
	}
	return out
}

// stateOf is how a webhook stands; one whose mailbox was paused in another mode is halted.
func (a *App) stateOf(h *webhook.Hook) *webhook.State {
	s := h.State()
	if one, _ := a.pauses.get(pausedReceiver + h.Application); one != nil && s.Halt == nil {
		s.Halt = &webhook.Halt{Why: webhook.HaltPaused, At: one.At, Who: one.Who, Reason: one.Reason}
	}
	return s
}

// hookUnit and an application name the unit of its webhook.
const hookUnit = "webhook "

// hook finds an application's webhook; nil: it has none here.
func (a *App) hook(application string) *webhook.Hook {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if u := a.units[hookUnit+application]; u != nil {
		return u.hook
	}
	return nil
}
