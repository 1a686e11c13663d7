package console

import (
	"net/url"
	"strings"
	"time"
)

// login tells how to get in.
func (q *request) login() error {
	if q.session != nil {
		q.redirect("/")
		return nil
	}
	return q.show("login", q.t.Login, loginPage{OIDC: q.cfg.Login != nil, Failed: q.r.URL.Query().Has("failed")})
}

type loginPage struct {
	OIDC, Failed bool
}

// enter is the link that works once.
func (q *request) enter() error {
	if q.cfg.Login != nil || !q.links.use(q.r.PathValue("link")) {
		q.redirect(pathLogin + "?failed=1")
		return nil
	}
	q.begin(q.cfg.Person, nil, true)
	return nil
}

// begin lets somebody in.
func (q *request) begin(who string, claims map[string]any, local bool) {
	_, name := q.sessions.begin(who, claims, local)
	q.setCookie(q.w, q.sessionCookie(), name, sessionMost)
	q.redirect("/")
}

func (q *request) logout() error {
	q.drafts.drop(q.session)
	if c, err := q.r.Cookie(q.sessionCookie()); err == nil {
		q.sessions.end(c.Value)
	}
	q.setCookie(q.w, q.sessionCookie(), "", -1*time.Second)
	q.redirect(pathLogin)
	return nil
}

// settings takes the language and the theme that a person chooses.
func (q *request) settings() error {
	const year = 365 * 24 * time.Hour
	switch v := q.r.PostFormValue("lang"); v {
	case "de", "en":
		q.setCookie(q.w, langCookie, v, year)
	}
	switch v := q.r.PostFormValue("theme"); v {
	case "light", "dark":
		q.setCookie(q.w, themeCookie, v, year)
	case "auto":
		q.setCookie(q.w, themeCookie, "", -1*time.Second)
	}
	q.redirect(local(q.r.PostFormValue("here")))
	return nil
}

// local is a path of the console; "/" for anything that leads elsewhere.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.ContainsAny(to, "\\\r\n") {
		return "/"
	}
	return u.RequestURI()
}
