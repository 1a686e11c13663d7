package app

import (
	"maps"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/desk"
	"github.com/amtsbote/amtsbote/hub/internal/metrics"
	"github.com/amtsbote/amtsbote/hub/internal/webhook"
)

// paceGauge tells how long the events of organisations were held up that hand in more
// than their limits allow.
func (a *App) paceGauge() metrics.Gauge {
	g := metrics.Gauge{Name: "amtsbote_organisation_held_seconds", Help: "How long an organisation's events were held up by its limits, in all.", Labels: []string{"organisation"}}
	for organisation, held := range a.held() {
		g.Values = append(g.Values, metrics.Value{Labels: []string{organisation}, Value: held.Seconds()})
	}
	slices.SortFunc(g.Values, func(x, y metrics.Value) int { return strings.Compare(x.Labels[0], y.Labels[0]) })
	return g
}

// The states of a webhook, of which each shows one.
const (
	hookWell    = "well"
	hookConsent = "no-consent" // the receiver has not agreed yet
	hookPutOff  = "put-off"    // the receiver asks to wait (429, 503), and nothing gets through
	hookTrouble = "trouble"    // nothing gets through; it is tried again
	hookPaused  = "paused"     // nothing got through for long: single probes go out
)

// webhookGauge tells how webhooks stand: 1 for the state that each is in.
func (a *App) webhookGauge() metrics.Gauge {
	g := metrics.Gauge{Name: "amtsbote_webhook_state", Help: "1 for the state a webhook is in: well, no-consent, put-off, trouble, paused, or halted until a person resumes it.", Labels: []string{"mailbox", "state"}}
	for _, h := range a.hooks() {
		g.Values = append(g.Values, metrics.Value{Labels: []string{h.Application, hookState(a.stateOf(h))}, Value: 1})
	}
	return g
}

func hookState(s *webhook.State) string {
	switch {
	case s.Halt != nil:
		return "halted"
	case s.Consent == nil:
		return hookConsent
	case s.Trouble != nil && s.Trouble.Paused:
		return hookPaused
	case s.PutOff != nil:
		return hookPutOff
	case s.Trouble != nil:
		return hookTrouble
	}
	return hookWell
}

// deskGauge tells how many events clients of mailboxes of mode http have leased.
func (a *App) deskGauge() metrics.Gauge {
	g := metrics.Gauge{Name: "amtsbote_mailbox_leased", Help: "Events that clients of a mailbox of mode http have in hand.", Labels: []string{"mailbox"}}
	for _, d := range a.desksAtWork() {
		g.Values = append(g.Values, metrics.Value{Labels: []string{d.Application}, Value: float64(d.Leased())})
	}
	return g
}

// desksAtWork gives the desks, by application.
func (a *App) desksAtWork() (out []*desk.Desk) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	for _, name := range slices.Sorted(maps.Keys(a.units)) {
		if d := a.units[name].desk; d != nil {
			out = append(out, d)
		}
	}
	return out
}

// violationGauge tells how often NATS clients tried what they may not.
func (a *App) violationGauge() metrics.Gauge {
	g := metrics.Gauge{Name: "amtsbote_nats_violations", Help: "What clients of the embedded NATS server tried since the start and may not, by kind.", Labels: []string{"kind"}}
	counted := a.Violations()
	for _, kind := range slices.Sorted(maps.Keys(counted)) {
		g.Values = append(g.Values, metrics.Value{Labels: []string{string(kind)}, Value: float64(counted[kind])})
	}
	return g
}
