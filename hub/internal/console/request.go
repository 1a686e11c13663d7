package console

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// request is what a handler works with.
type request struct {
	*Server
	w       http.ResponseWriter
	r       *http.Request
	session *session
	person  *person
	lang    string
	t       *messages
	// here is the path and query of the page where who sets language or theme comes back
	// to, when that is not what was asked for: a page that answers a form has no address.
	here string
}

// refused is why a person does not get what they asked for.
type refused struct {
	status int
	// of is the organisation whose it is, for what is another's: it is recorded.
	of string
	// stale: the form is of a session that is over.
	stale bool
}

func (e *refused) Error() string { return fmt.Sprintf("refused (%d)", e.status) }

var (
	errNotFound  = &refused{status: http.StatusNotFound}
	errForbidden = &refused{status: http.StatusForbidden}
	errStale     = &refused{status: http.StatusForbidden, stale: true}
)

// foreign is the answer to who asks for what belongs to another organisation.
func foreign(organisation string) error {
	return &refused{status: http.StatusForbidden, of: organisation}
}

// open is a page for everybody.
func (s *Server) open(handle func(*request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := s.request(w, r)
		q.answer(handle)
	}
}

// inside is a page for who is logged in and has a grant.
func (s *Server) inside(handle func(*request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := s.request(w, r)
		switch {
		case q.session == nil && r.Method == http.MethodGet:
			q.redirect(pathLogin)
		case q.session == nil:
			q.answer(func(*request) error { return &refused{status: http.StatusUnauthorized} })
		case len(q.person.grants) == 0:
			q.answer(func(*request) error { return errForbidden })
		case r.Method == http.MethodPost && tooLarge(r):
			q.answer(func(*request) error { return &refused{status: http.StatusRequestEntityTooLarge} })
		case r.Method == http.MethodPost && !q.session.fits(r.PostFormValue(tokenField)):
			q.answer(func(*request) error { return errStale })
		default:
			q.answer(handle)
		}
	}
}

// tooLarge tells whether a form is larger than any of the console.
func tooLarge(r *http.Request) bool {
	_, is := errors.AsType[*http.MaxBytesError](r.ParseForm())
	return is
}

// tokenField is the field of every form that shows that the console made it.
const tokenField = "token"

func (s *Server) request(w http.ResponseWriter, r *http.Request) *request {
	q := &request{Server: s, w: w, r: r, lang: language(r)}
	q.t = catalogue(q.lang)
	if c, err := r.Cookie(s.sessionCookie()); err == nil {
		q.session = s.sessions.find(c.Value, !strings.HasPrefix(r.URL.Path, pathLive))
	}
	if q.session != nil {
		q.person = s.person(q.session)
	}
	return q
}

// answer runs a handler and says what went wrong.
func (q *request) answer(handle func(*request) error) {
	ctx := q.r.Context()
	if !strings.HasPrefix(q.r.URL.Path, pathLive) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
		q.r = q.r.WithContext(ctx)
		_ = http.NewResponseController(q.w).SetWriteDeadline(time.Now().Add(timeout + writeTimeout)) // net/http's own can
	}
	defer func() {
		if fault := recover(); fault != nil {
			q.cfg.Log.Error("a page of the console failed in a way it did not foresee", zap.String("page", q.r.Pattern), zap.String("fault", fmt.Sprintf("%T", fault)))
			q.fail(http.StatusInternalServerError)
		}
	}()
	err := handle(q)
	if err == nil {
		return
	}
	if no, ok := errors.AsType[*refused](err); ok {
		q.refuse(no)
		return
	}
	if errors.Is(err, search.ErrFailed) { // it has told of that
		q.fail(http.StatusServiceUnavailable)
		return
	}
	if q.r.Context().Err() == nil || errors.Is(q.r.Context().Err(), context.DeadlineExceeded) {
		q.cfg.Log.Error("a page of the console failed", zap.String("page", q.r.Pattern), zap.Error(err))
	}
	q.fail(http.StatusInternalServerError)
}

// maxDenials is how many refused looks of a person are recorded a minute; who tries more
// gets no answer until the next.
const maxDenials = 60

// refuse answers, and records who tried to see what is another organisation's.
func (q *request) refuse(no *refused) {
	if no.of != "" {
		if err := q.deny(no.of); err != nil {
			if limited, ok := errors.AsType[*refused](err); ok {
				q.fail(limited.status)
				return
			}
			q.cfg.Log.Error("a refused look was not recorded", zap.Error(err))
			q.fail(http.StatusInternalServerError)
			return
		}
	}
	if no.stale {
		q.failAs(no.status, q.t.Stale, q.t.StaleText)
		return
	}
	q.fail(no.status)
}

// deny records that the person tried to see what is an organisation's. What is not
// theirs is then not there.
func (q *request) deny(organisation string) error {
	if !q.denials.allow(q.person.who, maxDenials) {
		return &refused{status: http.StatusTooManyRequests}
	}
	if err := q.record(decision.ActDenied, organisation, "", q.r.Pattern); err != nil {
		return fmt.Errorf("record a refused look: %w", err)
	}
	return nil
}

// spent refuses every look-up of who has tried too much this minute, before it is asked
// whether there is something.
func (q *request) spent() error {
	if q.denials.spent(q.person.who, maxDenials) {
		return &refused{status: http.StatusTooManyRequests}
	}
	return nil
}

// miss counts a look for what is not there as one that is refused, so that the limit does
// not tell them apart. Who sees everybody needs none.
func (q *request) miss() {
	if q.person.all() < federation.SightMetadata {
		q.denials.allow(q.person.who, maxDenials)
	}
}

// record writes to the trail what the person does.
func (q *request) record(act, application, key, reason string) error {
	return q.cfg.Hub.Record(q.r.Context(), &decision.Act{
		Act: act, Application: q.known(application), Key: key, Who: q.person.who, Reason: reason, At: q.cfg.Now().UTC(),
	})
}

// known is a name of the directory, or "unknown": what stands in a link may be anything.
func (q *request) known(name string) string {
	fed := q.cfg.Hub.Federation()
	if _, ok := fed.Organisation(name); ok {
		return name
	}
	if _, ok := fed.Application(name); ok {
		return name
	}
	return "unknown"
}

// organisation is the one that a page is narrowed down to by ?org=: "" for all, which
// only those may see who see everybody.
func (q *request) organisation(least federation.Sight) (string, error) {
	org := q.r.FormValue("org")
	if org == "" {
		if q.person.all() >= least {
			return "", nil
		}
		for _, own := range q.person.own() {
			if q.person.sight(own) >= least {
				return own, nil
			}
		}
		return "", errForbidden
	}
	if q.person.sight(org) < least {
		if len(q.person.own()) > 0 {
			return "", foreign(org)
		}
		return "", errForbidden
	}
	if _, ok := q.cfg.Hub.Federation().Organisation(org); !ok {
		return "", errNotFound
	}
	return org, nil
}

func (q *request) redirect(to string) {
	http.Redirect(q.w, q.r, to, http.StatusSeeOther) //nolint:gosec,nolintlint // gosec does not always say so; a path of the console (local, back), or the issuer's address
}

// back leads to a page of the console with a sentence on it (POST, redirect, GET).
func (q *request) back(to, said string) {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" {
		u = &url.URL{Path: "/"}
	}
	v := u.Query()
	v.Set("said", said)
	u.RawQuery = v.Encode()
	q.redirect(u.String())
}

// says tells an error that people may read; "" when it is none.
func says(err error) string {
	if act, ok := errors.AsType[bus.ActError](err); ok {
		return act.Error()
	}
	return ""
}

// fail is the page that says why there is none.
func (q *request) fail(status int) {
	text, ok := q.t.failures()[status]
	if !ok {
		text[0] = http.StatusText(status)
	}
	q.failAs(status, text[0], text[1])
}

func (q *request) failAs(status int, title, text string) {
	if q.r.Method != http.MethodGet && q.r.Method != http.MethodHead { // there is no page of that address
		q.here = cmp.Or(q.here, "/")
	}
	q.render("failure", title, status, failure{status, title, text})
}

type failure struct {
	Status      int
	Title, Text string
}

// show renders a page.
func (q *request) show(name, title string, data any) error {
	q.render(name, title, http.StatusOK, data)
	return nil
}

func (q *request) render(name, title string, status int, data any) {
	var out bytes.Buffer
	if err := q.pages.write(&out, name, q.page(name, title, data)); err != nil {
		q.cfg.Log.Error("a page of the console cannot be shown", zap.String("page", name), zap.Error(err))
		http.Error(q.w, q.t.Broken, http.StatusInternalServerError)
		return
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.Header().Set("Content-Language", q.lang)
	q.w.WriteHeader(status)
	_, _ = q.w.Write(out.Bytes())
}
