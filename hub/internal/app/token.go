package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/token"
)

// VerbToken is what is asked about API tokens, on the control channel.
const VerbToken = "token"

// What may be done to tokens.
const (
	TokenIssue  = "issue"
	TokenList   = "list"
	TokenRevoke = "revoke"
)

// TokenRequest asks for a token to be issued (Application, Lifetime), to be listed
// (Application, "" for all) or revoked (ID).
type TokenRequest struct {
	Do          string        `json:"do"`
	Application string        `json:"application,omitempty"`
	ID          string        `json:"id,omitempty"`
	Lifetime    time.Duration `json:"lifetime,omitempty"`
	Who         string        `json:"who,omitempty"`
	Lang        string        `json:"lang"`
}

// TokenAnswer is the token that something was done to, with its Secret when it was
// issued; or the List.
type TokenAnswer struct {
	token.Record
	Secret string         `json:"secret,omitempty"`
	List   []token.Record `json:"list,omitempty"`
}

// tokens opens the book of tokens when it is first needed.
type tokens struct {
	mu   sync.Mutex
	book *token.Book
}

func (t *tokens) open(ctx context.Context, a *App) (*token.Book, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.book == nil {
		store, err := a.bus.EnsureTokens(ctx, a.cfg.layout().Replicas)
		if err != nil {
			return nil, err
		}
		t.book = token.NewBook(store, time.Now)
	}
	return t.book, nil
}

// serveToken does to tokens what is asked for.
func (a *App) serveToken(ctx context.Context, data []byte) ([]byte, error) {
	var req TokenRequest
	if err := json.Unmarshal(data, &req); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	book, err := a.tokens.open(ctx, a)
	if err != nil {
		return nil, err
	}
	var answer TokenAnswer
	switch req.Do {
	case TokenIssue:
		answer, err = a.issueToken(ctx, book, req)
	case TokenRevoke:
		answer, err = a.revokeToken(ctx, book, req)
	case TokenList:
		answer.List, err = book.List(ctx, req.Application)
	default:
		err = fmt.Errorf("there is no act %q on tokens", req.Do)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer) //nolint:gosec // it is to be shown, once
}

// issueToken makes a token. Its secret is given only once the act stands in the trail.
func (a *App) issueToken(ctx context.Context, book *token.Book, req TokenRequest) (TokenAnswer, error) {
	var none TokenAnswer
	if _, ok := a.Federation().Application(req.Application); !ok && req.Application != token.Metrics {
		return none, req.says("%s ist kein Fachverfahren des Verbundverzeichnisses (oder %s für die Messwerte)", "%s is no application of the federation directory (or %s for the metrics)", req.Application, token.Metrics)
	}
	if req.Lifetime <= 0 || req.Lifetime > token.MaxLifetime {
		return none, req.says("ein Token gilt 1 bis %d Tage", "a token is valid for 1 to %d days", token.MaxLifetime/(24*time.Hour))
	}
	secret, record, err := book.Issue(ctx, req.Application, req.Who, req.Lifetime)
	if err != nil {
		return none, err
	}
	if err := a.recordToken(ctx, decision.ActTokenIssue, record, req.Who); err != nil {
		_, revoked := book.Revoke(ctx, record.ID) // nobody has seen it
		return none, errors.Join(err, revoked)
	}
	return TokenAnswer{Record: record, Secret: secret}, nil
}

func (a *App) revokeToken(ctx context.Context, book *token.Book, req TokenRequest) (TokenAnswer, error) {
	var none TokenAnswer
	record, err := book.Revoke(ctx, req.ID)
	if errors.Is(err, token.ErrUnknown) {
		return none, req.says("ein Token %s gibt es nicht; \"amtsbote token list\" nennt alle", "there is no token %s; \"amtsbote token list\" names all", req.ID)
	}
	if err != nil {
		return none, err
	}
	if err := a.recordToken(ctx, decision.ActTokenRevoke, record, req.Who); err != nil {
		return none, fmt.Errorf("it is revoked, but that does not stand in the trail: %w", err)
	}
	return TokenAnswer{Record: record}, nil
}

func (r TokenRequest) says(de, en string, args ...any) error {
	if r.Lang == "de" {
		return bus.ActError(fmt.Sprintf(de, args...))
	}
	return bus.ActError(fmt.Sprintf(en, args...))
}

// recordToken writes to the trail who did what to a token.
func (a *App) recordToken(ctx context.Context, act string, r token.Record, who string) error {
	m, err := trail.Act(&decision.Act{Act: act, Application: r.Application, Key: r.ID, Who: who, At: time.Now().UTC()})
	if err != nil {
		return err
	}
	if _, err = a.bus.AppendUnguarded(ctx, []event.Message{m}); err == nil {
		a.log.Info("a person acted on an API token", zap.String("act", act), zap.String("token", r.ID), zap.String("application", r.Application))
	}
	return err
}
