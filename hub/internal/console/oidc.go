package console

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/oidc"
)

// Login is how people prove who they are (OpenID Connect, code flow with PKCE).
type Login struct {
	Client *oidc.Client
	// Name is the claim that names a person in the trail; "" is "sub". It should be no
	// more than an auditor needs: an account, not a full name.
	Name string
}

// logins are those underway. The browser holds the state in a cookie of its own, so that
// nobody can be logged in as somebody else by a link.
type logins struct {
	login    *Login
	callback string
	now      func() time.Time

	mu sync.Mutex
	of map[string]underway // by state
}

type underway struct {
	verifier, nonce string
	began           time.Time
}

const (
	loginFor   = 10 * time.Minute
	maxLogins  = 10_000
	loginState = "amtsbote-login"
)

func (l *logins) begin() (state, nonce, challenge string) {
	u := underway{verifier: secret(), nonce: secret(), began: l.now()}
	state = secret()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]underway{}
	}
	for s, other := range l.of {
		if l.now().Sub(other.began) > loginFor {
			delete(l.of, s)
		}
	}
	if len(l.of) >= maxLogins {
		l.dropOldest()
	}
	l.of[state] = u
	sum := sha256.Sum256([]byte(u.verifier))
	return state, u.nonce, base64.RawURLEncoding.EncodeToString(sum[:])
}

// dropOldest is called with mu held.
func (l *logins) dropOldest() {
	oldest, at := "", time.Time{}
	for s, u := range l.of {
		if oldest == "" || u.began.Before(at) {
			oldest, at = s, u.began
		}
	}
	delete(l.of, oldest)
}

func (l *logins) end(state string) (underway, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u, ok := l.of[state]
	delete(l.of, state)
	return u, ok && l.now().Sub(u.began) <= loginFor
}

// startLogin leads to the issuer.
func (q *request) startLogin() error {
	if q.logins == nil {
		return errNotFound
	}
	state, nonce, challenge := q.logins.begin()
	to, err := q.logins.login.Client.Start(q.r.Context(), q.logins.callback, state, nonce, challenge)
	if err != nil {
		q.cfg.Log.Error("the issuer of logins cannot be asked", zap.Error(err))
		return &refused{status: http.StatusBadGateway}
	}
	q.setCookie(q.w, loginState, state, loginFor)
	q.redirect(to)
	return nil
}

// callback takes what the issuer says.
func (q *request) callback() error {
	if q.logins == nil {
		return errNotFound
	}
	v := q.r.URL.Query()
	cookie, err := q.r.Cookie(loginState)
	q.setCookie(q.w, loginState, "", -1*time.Second)
	u, ok := q.logins.end(v.Get("state"))
	if err != nil || !ok || cookie.Value != v.Get("state") || v.Get("code") == "" {
		q.redirect(pathLogin + "?failed=1")
		return nil
	}
	claims, err := q.logins.login.Client.Redeem(q.r.Context(), v.Get("code"), q.logins.callback, u.verifier, u.nonce)
	if err != nil {
		q.cfg.Log.Warn("a login to the console failed", zap.Error(err))
		q.redirect(pathLogin + "?failed=1")
		return nil
	}
	name := q.logins.login.Name
	if name == "" {
		name = "sub"
	}
	who, _ := claims[name].(string)
	if who == "" {
		q.cfg.Log.Warn("a login to the console failed: the claim that names people is missing", zap.String("claim", name))
		q.redirect(pathLogin + "?failed=1")
		return nil
	}
	q.begin(visible(who, 200), claims, false)
	return nil
}
