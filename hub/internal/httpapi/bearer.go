package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/token"
)

// Bearer authenticates by the header Authorization (RFC 6750, 2.1): a token of the
// hub, or one of the configured issuer.
type Bearer struct {
	Tokens *token.Book
	// Claims gives those of a token of the issuer; nil: none is configured.
	Claims func(ctx context.Context, raw string) (map[string]any, error)
}

var _ Authenticator = (*Bearer)(nil)

// Authenticate implements Authenticator.
func (b *Bearer) Authenticate(r *http.Request, fed *federation.Federation) (*Principal, error) {
	secret, err := bearer(r)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(secret, token.Prefix) {
		return b.byToken(r.Context(), secret, fed)
	}
	if b.Claims == nil {
		return nil, errors.New("the token is none of the hub's, and no issuer is configured")
	}
	claims, err := b.Claims(r.Context(), secret)
	if err != nil {
		return nil, err
	}
	app := fed.ByClaims(claims)
	if app == nil {
		return nil, errors.New("the token's claims name no application, or several")
	}
	return &Principal{Application: app, By: ByOIDC}, nil
}

// bearer gives the token of the header.
func bearer(r *http.Request) (string, error) {
	lines := r.Header["Authorization"]
	if len(lines) == 0 {
		return "", ErrNoCredential
	}
	scheme, secret, _ := strings.Cut(lines[0], " ")
	if len(lines) > 1 || !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(secret) == "" {
		return "", errors.New("the header Authorization is no single bearer token")
	}
	return strings.TrimSpace(secret), nil
}

func (b *Bearer) byToken(ctx context.Context, secret string, fed *federation.Federation) (*Principal, error) {
	record, err := b.Tokens.Find(ctx, secret)
	if err != nil {
		return nil, err
	}
	app, ok := fed.Application(record.Application)
	if !ok {
		return nil, errors.New("the token's application is not in the federation directory")
	}
	return &Principal{Application: app, By: ByToken, Credential: record.ID}, nil
}
