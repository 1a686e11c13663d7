package zms

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// konto is the account of a workstation: what it logs in with (POST
// /workstation/login/). Without one, calls have no X-Authkey.
type konto struct {
	Name     string `yaml:"name"`
	Passwort string `yaml:"passwort"` // file
}

// client calls zmsbackend (API version 2). It is safe for concurrent use, and makes
// one call at a time, at least gap after the one before.
type client struct {
	gateway *eai.Lazy
	konto   konto
	gap     time.Duration
	*session
}

// session is that of an account at a ZMS. Source and sink of an adapter have it
// together: a second login of the account ends the first one's session.
type session struct {
	turn chan struct{} // holds one token: whose turn it is
	key  string        // X-Authkey: a secret
	last time.Time
}

// sessions by address and account.
var sessions sync.Map

func sessionOf(url, account string) *session {
	s, _ := sessions.LoadOrStore(url+" "+account, &session{turn: make(chan struct{}, 1)})
	known, _ := s.(*session)
	return known
}

// call is one call. Path segments are put below the address, a slash follows.
type call struct {
	method string
	path   []string
	query  url.Values
	body   any
}

// do calls, and logs in where it must. The error is an *eai.Error; the envelope is
// there also with an error, if ZMS wrote one.
func (c *client) do(ctx context.Context, what call) (*envelope, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, &eai.Error{Code: eai.Away, Blocking: true, Err: ctx.Err()}
	}
	fresh := false
	if c.key == "" && c.konto.Name != "" {
		if err := c.login(ctx); err != nil {
			return nil, err
		}
		fresh = true
	}
	e, err := c.once(ctx, what)
	if eai.Code(err) != eai.Unauthorised || err == nil {
		return e, err
	}
	c.key = ""
	if fresh || c.konto.Name == "" {
		return e, err
	}
	if err := c.login(ctx); err != nil { // the session is over: sessions end by themselves
		return nil, err
	}
	return c.once(ctx, what)
}

var (
	errLogin   = errors.New("the account of the workstation is refused, or has another session (settings konto)")
	errSession = errors.New("no authkey in the answer to the login")
)

func (c *client) login(ctx context.Context) error {
	password, err := eai.Secret(c.konto.Passwort)
	if err != nil {
		return &eai.Error{Code: eai.Unauthorised, Blocking: true, Err: err}
	}
	e, err := c.once(ctx, call{method: http.MethodPost, path: []string{"workstation", "login"}, body: map[string]string{"id": c.konto.Name, "password": password}})
	if failed, ok := errors.AsType[*eai.Error](err); ok {
		if failed.Status >= 400 && failed.Status < 500 && failed.Status != http.StatusTooManyRequests {
			return &eai.Error{Code: eai.Unauthorised, Status: failed.Status, Blocking: true, Err: errLogin}
		}
		return err
	}
	var workstation struct {
		Key string `json:"authkey"`
	}
	if json.Unmarshal(e.Data, &workstation) != nil || workstation.Key == "" {
		return &eai.Error{Code: eai.Unreadable, Blocking: true, Err: errSession}
	}
	c.key = workstation.Key
	return nil
}

func (c *client) once(ctx context.Context, what call) (*envelope, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	gateway, err := c.gateway.Client()
	if err != nil {
		return nil, &eai.Error{Code: eai.Away, Blocking: true, Err: err}
	}
	r := eai.Request{Method: what.method, Path: what.path, Slash: true, Query: what.query, Header: http.Header{"Accept": {"application/json"}}, AnyStatus: true}
	if what.body != nil {
		if r.Body, err = json.Marshal(what.body); err != nil {
			return nil, &eai.Error{Code: eai.Refused}
		}
		r.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		r.Header.Set("X-Authkey", c.key)
	}
	raw, err := gateway.Do(ctx, r)
	return answer(raw, err)
}

// answer reads what came with a call, which may have failed. Only ZMS itself can refuse
// a call for good: a status without its envelope is somebody's in between.
func answer(raw []byte, err error) (*envelope, error) {
	e, unreadable := readEnvelope(raw)
	if err == nil {
		if unreadable == nil && e.failed() {
			return e, &eai.Error{Code: eai.Failed, Status: http.StatusOK, Blocking: true, After: e.retryAfter()}
		}
		return e, unreadable
	}
	if unreadable != nil {
		return nil, eai.Foreign(err)
	}
	if failed, ok := errors.AsType[*eai.Error](err); ok && failed.After == 0 {
		failed.After = e.retryAfter()
	}
	return e, err
}

// wait keeps the distance between two calls.
func (c *client) wait(ctx context.Context) error {
	if rest := c.gap - time.Since(c.last); rest > 0 {
		timer := time.NewTimer(rest)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return &eai.Error{Code: eai.Away, Blocking: true, Err: ctx.Err()}
		}
	}
	c.last = time.Now()
	return nil
}

// status is that of the answer which err stands for, 0 for none.
func status(err error) int {
	if failed, ok := errors.AsType[*eai.Error](err); ok {
		return failed.Status
	}
	return 0
}

var resolved = url.Values{"resolveReferences": {"2"}}

// listing asks for the processes of a scope on a day (YYYY-MM-DD).
func (c *client) day(ctx context.Context, scope, day string) (Listing, error) {
	return c.listing(ctx, "scope", scope, "process", day)
}

// withStatus asks for the processes of a scope that have a status.
func (c *client) withStatus(ctx context.Context, scope, status string) (Listing, error) {
	return c.listing(ctx, "scope", scope, "process", "status", status)
}

// reservedFor asks for the processes that have an externalUserId. ZMS itself may say by
// 404 that there are none.
func (c *client) reservedFor(ctx context.Context, token string) (Listing, error) {
	e, err := c.do(ctx, call{method: http.MethodGet, path: []string{"process", "externaluserid", tokenPrefix + token}, query: resolved})
	if status(err) == http.StatusNotFound && e != nil {
		return Listing{Complete: true}, nil
	}
	if err != nil {
		return Listing{}, err
	}
	return e.listing()
}

func (c *client) listing(ctx context.Context, path ...string) (Listing, error) {
	e, err := c.do(ctx, call{method: http.MethodGet, path: path, query: resolved})
	if err != nil {
		return Listing{}, err
	}
	return e.listing()
}

// process reads one process. nil and no error: ZMS itself says that there is none.
func (c *client) process(ctx context.Context, number string) (*Observation, json.RawMessage, error) {
	e, err := c.do(ctx, call{method: http.MethodGet, path: []string{"process", number}, query: resolved})
	if status(err) == http.StatusNotFound && e != nil {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return e.process()
}

// process reads the one process of an answer, also where it is a list of one.
func (e *envelope) process() (*Observation, json.RawMessage, error) {
	raw := e.Data
	var items list[json.RawMessage]
	if len(raw) > 0 && raw[0] == '[' && items.UnmarshalJSON(raw) == nil && len(items) == 1 {
		raw = items[0]
	}
	o, err := ReadProcess(raw)
	if err != nil {
		return nil, nil, eai.BadAnswer("the answer's process cannot be read")
	}
	return &o, raw, nil
}
