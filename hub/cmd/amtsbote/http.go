package main

import (
	"github.com/spf13/pflag"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
)

// httpFlags say where the hub is reached by HTTP, and by whom.
type httpFlags struct {
	listen                 string
	tls                    httpapi.TLSFiles
	crl                    string
	issuer, audience, jwks string
	metricsOpen            bool
}

func (f *httpFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.listen, "http", env("HTTP", ""), "address of the HTTP server, like 127.0.0.1:8080 (default: none)")
	fl.StringVar(&f.tls.Cert, "http-cert", env("HTTP_CERT", ""), "certificate of the HTTP server (PEM), needed beyond loopback; read again when it changes")
	fl.StringVar(&f.tls.Key, "http-key", env("HTTP_KEY", ""), "its key (PEM)")
	fl.StringVar(&f.tls.ClientCA, "http-client-ca", env("HTTP_CLIENT_CA", ""), "authorities of client certificates (PEM)")
	fl.StringVar(&f.crl, "http-crl", env("HTTP_CRL", ""), "revocation lists for client certificates (PEM or DER); read again when it changes")
	fl.StringVar(&f.issuer, "oidc-issuer", env("OIDC_ISSUER", ""), "issuer (iss) whose tokens are taken over HTTP")
	fl.StringVar(&f.audience, "oidc-audience", env("OIDC_AUDIENCE", ""), "audience (aud) that they must have")
	fl.StringVar(&f.jwks, "oidc-jwks", env("OIDC_JWKS", ""), "file or URL of its keys (default: as the issuer's configuration says)")
	fl.BoolVar(&f.metricsOpen, "metrics-open", envBool("METRICS_OPEN"), "show /metrics without a token to whoever asks on this machine; not where a proxy of this machine passes requests on")
}

// config is nil when there is to be no HTTP.
func (f *httpFlags) config() *app.HTTP {
	if f.listen == "" {
		return nil
	}
	return &app.HTTP{
		Listen: f.listen, TLS: f.tls, CRL: f.crl,
		OIDC:        app.OIDC{Issuer: f.issuer, Audience: f.audience, JWKS: f.jwks},
		MetricsOpen: f.metricsOpen,
	}
}
