package httpapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/metrics"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/token"
)

var errNotMetrics = errors.New("the token was not issued for metrics")

// Operator answers what the people want to know who run the hub.
type Operator struct {
	Metrics *metrics.Registry
	Tokens  *token.Book
	// Open lets whoever asks on this machine see the metrics without a token. A proxy
	// there may ask like that for somebody far away, so the operator has to say it.
	Open bool
	// Ready tells why the hub is not at work; nil: it is.
	Ready func(context.Context) error
	// Failed hears of failed logins.
	Failed func(*http.Request, error)
	Log    *zap.Logger
}

// Routes are those of the operator.
func (o *Operator) Routes() []Route {
	state := object([]string{"status"}, map[string]any{"status": text("ok or not ready")})
	return []Route{
		{Method: http.MethodGet, Path: "/healthz", Open: true, Handle: o.health, Operation: Operation{
			ID: "health", Summary: "Whether the process answers.", Answers: []Answer{JSONAnswer(http.StatusOK, "It does.", state)},
		}},
		{Method: http.MethodGet, Path: "/readyz", Open: true, Handle: o.ready, Operation: Operation{
			ID: "ready", Summary: "Whether the hub is at work: its streams can be reached.",
			Answers: []Answer{JSONAnswer(http.StatusOK, "It is.", state), JSONAnswer(http.StatusServiceUnavailable, "It is not; why is in the log.", state)},
		}},
		{Method: http.MethodGet, Path: "/metrics", Open: true, Handle: o.metrics, Operation: Operation{
			ID: "metrics", Bearer: !o.Open, Summary: "Counters and gauges in the text format of Prometheus.",
			Detail: "With a token that was issued for metrics. Without one only where the operator has said so (--metrics-open), and there on the hub's machine alone.",
			Answers: []Answer{
				{Status: http.StatusOK, Detail: "Prometheus text format 0.0.4.", Content: []Content{{"text/plain", text("")}}},
				ProblemAnswer(http.StatusUnauthorized, "Nobody who may see them asks.", "WWW-Authenticate"),
			},
		}},
	}
}

func (o *Operator) health(w http.ResponseWriter, _ *http.Request, _ *Principal) error {
	WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

func (o *Operator) ready(w http.ResponseWriter, r *http.Request, _ *Principal) error {
	if err := o.Ready(r.Context()); err != nil {
		o.Log.Warn("the hub is not ready", zap.Error(err))
		WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready"})
		return nil
	}
	WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

func (o *Operator) metrics(w http.ResponseWriter, r *http.Request, _ *Principal) error {
	if err := o.may(r); err != nil {
		o.Failed(r, err)
		return unauthorized()
	}
	w.Header().Set("Content-Type", metrics.ContentType)
	w.Header().Set("Cache-Control", "no-store")
	if err := o.Metrics.Write(r.Context(), w); err != nil {
		o.Log.Warn("some metrics are missing", zap.Error(err))
	}
	return nil
}

func unauthorized() *Problem {
	p := NewProblem(http.StatusUnauthorized, refusal.Auth)
	p.Header = map[string]string{"WWW-Authenticate": `Bearer realm="amtsbote"`}
	return p
}

// may tells why somebody may not see the metrics: they tell of all organisations, so
// no application may. A token that is shown counts also on this machine.
func (o *Operator) may(r *http.Request) error {
	if o.Open && len(r.Header["Authorization"]) == 0 && local(r) {
		return nil
	}
	secret, err := bearer(r)
	if err != nil {
		return err
	}
	record, err := o.Tokens.Find(r.Context(), secret)
	if err == nil && record.Application != token.Metrics {
		err = errNotMetrics
	}
	return err
}

// local tells whether a request comes from this machine, and not through a proxy that
// says of itself that it is one.
func local(r *http.Request) bool {
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" {
			return false
		}
	}
	// a page in a browser on this machine may give its own name this address
	return Loopback(r.RemoteAddr) && (Loopback(r.Host) || Loopback(net.JoinHostPort(r.Host, "80")))
}
