package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/oidc"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// HTTP says where applications reach the hub by HTTP, and how they prove who they are.
type HTTP struct {
	// Listen is host:port; port 0 takes a free one. Beyond loopback TLS must be given.
	Listen string
	TLS    httpapi.TLSFiles
	// CRL is a file of revocation lists for client certificates; "": none.
	CRL string
	// OIDC is the issuer whose tokens are taken, beside the hub's own.
	OIDC OIDC
	// MetricsOpen shows the metrics on this machine without a token.
	MetricsOpen bool
	// ReadTimeout is how long a request may take to come; 0 is the default.
	ReadTimeout time.Duration
	// Undescribed hears of answers that the OpenAPI document does not name; nil: they
	// are logged.
	Undescribed func(operation string, status int)
}

// OIDC is an issuer of access tokens.
type OIDC struct {
	Issuer, Audience string
	// JWKS is the file or URL of its keys; "": where its configuration says.
	JWKS string
}

// HTTPURL is where the hub is reached by HTTP; "" when it is not.
func (a *App) HTTPURL() string {
	if a.door == nil || a.door.server == nil {
		return ""
	}
	return a.door.server.URL()
}

// openDoor starts the HTTP server, if there is to be one.
func (a *App) openDoor(ctx context.Context) error {
	d := a.door
	if d == nil {
		return nil
	}
	who, err := a.authenticators(ctx)
	if err != nil {
		return err
	}
	tls, err := a.cfg.HTTP.TLS.Config()
	if err != nil {
		return err
	}
	d.refusals = &httpapi.Refusals{Bus: a.bus, Now: time.Now, Counted: d.refused, Log: a.log}
	d.failures = &httpapi.Failures{Log: a.log}
	d.limits = &httpapi.Limits{Now: time.Now}
	a.measure()
	d.server, err = httpapi.Start(httpapi.Config{
		Listen: a.cfg.HTTP.Listen, TLS: tls, Routes: a.routes(), Authenticators: who,
		Federation: a.Federation,
		Admit:      d.limits.Admit, Failed: d.failed, ReadTimeout: a.cfg.HTTP.ReadTimeout,
		Refused:     func(p *httpapi.Principal, code refusal.Code) { d.refusals.Add(p.Application.ID, code, "") },
		Answered:    func(r *httpapi.Route, status int) { d.requests.Add(r.Operation.ID, strconv.Itoa(status)) },
		Undescribed: a.undescribed(), Log: a.log,
	})
	if err != nil {
		return err
	}
	a.group.Go(func() error { return d.refusals.Run(a.run) })
	return nil
}

// failed notes a failed login. Whoever it was, it is written down as nobody.
func (d *door) failed(r *http.Request, err error) {
	d.failures.Failed(r, err)
	d.refusals.Add(decision.Nobody, refusal.Auth, "")
}

func (a *App) undescribed() func(*httpapi.Route, int) {
	told := a.cfg.HTTP.Undescribed
	if told == nil {
		return nil
	}
	return func(r *httpapi.Route, status int) { told(r.Operation.ID, status) }
}

// routes are all that the hub serves.
func (a *App) routes() []httpapi.Route {
	d := a.door
	events := &httpapi.Door{Bus: a.bus, Index: a.index, Refusals: d.refusals, Limits: d.limits, Now: time.Now, Log: a.log}
	operator := &httpapi.Operator{Metrics: &d.metrics, Tokens: a.tokens.book, Open: a.cfg.HTTP.MetricsOpen, Ready: a.ready, Failed: d.failed, Log: a.log}
	uploads := &httpapi.Uploads{Blobs: a.blobs, Pause: a.cfg.HTTP.ReadTimeout, Log: a.log}
	routes := slices.Concat(events.Routes(), uploads.Routes(), a.outRoutes(), operator.Routes())
	return append(routes, httpapi.OpenAPI(routes))
}

// authenticators are the ways in which an application may prove who it is.
func (a *App) authenticators(ctx context.Context) ([]httpapi.Authenticator, error) {
	cfg := a.cfg.HTTP
	book, err := a.tokens.open(ctx, a)
	if err != nil {
		return nil, err
	}
	bearer := &httpapi.Bearer{Tokens: book}
	if cfg.OIDC != (OIDC{}) {
		if cfg.OIDC.Issuer == "" || cfg.OIDC.Audience == "" {
			return nil, errors.New("tokens of an issuer need its name and the audience that they must have: give --oidc-issuer and --oidc-audience")
		}
		keys, err := oidc.NewKeys(cfg.OIDC.Issuer, cfg.OIDC.JWKS, time.Now)
		if err != nil {
			return nil, err
		}
		bearer.Claims = (&oidc.Verifier{Issuer: cfg.OIDC.Issuer, Audience: cfg.OIDC.Audience, Keys: keys, Now: time.Now}).Verify
	}
	certificates := &httpapi.Certificates{Now: time.Now}
	if cfg.CRL != "" {
		if cfg.TLS.ClientCA == "" {
			return nil, errors.New("a revocation list says nothing without the authorities of client certificates: give --http-client-ca")
		}
		if certificates.Revoked, err = httpapi.NewRevocations(cfg.CRL); err != nil {
			return nil, err
		}
	}
	return []httpapi.Authenticator{bearer, certificates}, nil
}

// readyWait is how long a stream may take to answer.
const readyWait = 2 * time.Second

// ready tells why the hub is not at work.
func (a *App) ready(ctx context.Context) error {
	if a.run.Err() != nil {
		return errors.New("the hub is stopping")
	}
	if err := a.index.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for _, stream := range bus.OwnStreams() {
		if _, err := a.bus.LastSeq(ctx, stream); err != nil {
			return err
		}
	}
	return nil
}

// closeDoor ends what is underway by HTTP.
func (a *App) closeDoor() error {
	if a.door == nil || a.door.server == nil {
		return nil
	}
	err := a.door.server.Close()
	a.door.server = nil
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stop HTTP: %w", err)
	}
	return nil
}

// lastRefusals writes down what was refused since the last time.
func (a *App) lastRefusals() error {
	if a.door == nil || a.door.refusals == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), bus.Timeout)
	defer cancel()
	if err := a.door.refusals.Flush(ctx); err != nil {
		return fmt.Errorf("write the last refusals at the door to the trail: %w", err)
	}
	return nil
}
