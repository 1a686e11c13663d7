package app

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/metrics"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// door is what belongs to HTTP; it listens to the flow to count.
type door struct {
	Observer
	metrics  metrics.Registry
	server   *httpapi.Server
	refusals *httpapi.Refusals
	failures *httpapi.Failures
	limits   *httpapi.Limits

	decisions, deliveries, turned, requests, mails *metrics.Counter
}

func newDoor(next Observer) *door {
	d := &door{Observer: next}
	d.decisions = d.metrics.Counter("amtsbote_decisions_total", "Decisions on events, by the sender's organisation, outcome and code.", "organisation", "outcome", "code")
	d.deliveries = d.metrics.Counter("amtsbote_deliveries_total", "Outcomes of copies, by mailbox.", "mailbox", "result")
	d.turned = d.metrics.Counter("amtsbote_door_refusals_total", "What was refused at the HTTP door and kept nowhere.", "application", "code")
	d.requests = d.metrics.Counter("amtsbote_http_requests_total", "HTTP requests by operation and status; 0: no answer was written.", "operation", "status")
	d.mails = d.metrics.Counter("amtsbote_mails_total", "Mails to contacts of webhooks: sent (the mail server has it), failed (given up), retried (an attempt in vain).", "result")
	return d
}

// Decided implements Observer.
func (d *door) Decided(x *decision.Decision) {
	organisation, _, _ := strings.Cut(x.Application, ".")
	d.decisions.Add(organisation, string(x.Outcome), string(x.Code))
	d.Observer.Decided(x)
}

// Delivered implements Observer.
func (d *door) Delivered(x *decision.Delivery) {
	d.deliveries.Add(x.Mailbox, string(x.Result))
	d.Observer.Delivered(x)
}

func (d *door) refused(application string, code refusal.Code) {
	d.turned.Add(application, string(code))
}

// measure has what is asked for when the metrics are read.
func (a *App) measure() {
	a.door.metrics.Gauges(a.streamGauges)
	a.door.metrics.Gauges(func(context.Context) ([]metrics.Gauge, error) { return a.mailboxGauges(), nil })
	a.door.metrics.Gauges(func(context.Context) ([]metrics.Gauge, error) {
		return []metrics.Gauge{a.paceGauge(), a.webhookGauge(), a.deskGauge(), a.violationGauge(), a.mailGauge()}, nil
	})
	a.door.metrics.Gauges(func(context.Context) ([]metrics.Gauge, error) {
		return []metrics.Gauge{{Name: "amtsbote_http_logins_failed", Help: "Failed logins by HTTP since the start.", Values: []metrics.Value{{Value: float64(a.door.failures.Total())}}}}, nil
	})
}

// streamGauges tell what lies in each stream, and what it may hold: of in streams
// that is the organisation's quota.
func (a *App) streamGauges(ctx context.Context) ([]metrics.Gauge, error) {
	usage, err := a.bus.Usage(ctx)
	if err != nil {
		return nil, err
	}
	labels := []string{"stream", "organisation"}
	messages := metrics.Gauge{Name: "amtsbote_stream_messages", Help: "Messages in a stream.", Labels: labels}
	used := metrics.Gauge{Name: "amtsbote_stream_bytes", Help: "Bytes in a stream.", Labels: labels}
	limit := metrics.Gauge{Name: "amtsbote_stream_limit_bytes", Help: "Bytes that a stream may hold; of in streams the organisation's quota.", Labels: labels}
	for _, u := range usage {
		of := []string{u.Stream, u.Organisation}
		messages.Values = append(messages.Values, metrics.Value{Labels: of, Value: float64(u.Messages)})
		used.Values = append(used.Values, metrics.Value{Labels: of, Value: float64(u.Used)})
		limit.Values = append(limit.Values, metrics.Value{Labels: of, Value: float64(u.Limit)})
	}
	return []metrics.Gauge{messages, used, limit}, nil
}

func (a *App) mailboxGauges() []metrics.Gauge {
	labels := []string{"mailbox"}
	copies := metrics.Gauge{Name: "amtsbote_mailbox_copies", Help: "Copies that wait in a mailbox.", Labels: labels}
	used := metrics.Gauge{Name: "amtsbote_mailbox_bytes", Help: "Bytes that wait in a mailbox.", Labels: labels}
	limit := metrics.Gauge{Name: "amtsbote_mailbox_limit_bytes", Help: "Quota of a mailbox.", Labels: labels}
	holds := a.boxes.Holds()
	for _, name := range slices.Sorted(maps.Keys(holds)) {
		of := []string{name}
		copies.Values = append(copies.Values, metrics.Value{Labels: of, Value: float64(holds[name].Copies)})
		used.Values = append(used.Values, metrics.Value{Labels: of, Value: float64(holds[name].Bytes)})
		limit.Values = append(limit.Values, metrics.Value{Labels: of, Value: float64(a.mailboxQuota(name))})
	}
	return []metrics.Gauge{copies, used, limit}
}
