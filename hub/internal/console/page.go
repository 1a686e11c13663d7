package console

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/who"
)

//go:embed templates assets
var files embed.FS

// helpers give a part of a page what it needs besides the page.
var helpers = template.FuncMap{
	"dict": func(f *page, v any) any {
		return struct {
			F *page
			V any
		}{f, v}
	},
	"pair": func(used, limit int64) any {
		return struct{ Used, Limit int64 }{used, limit}
	},
	"work": func(f *page, action, app string, code any) any {
		return struct {
			F           *page
			Action, App string
			Code        any
		}{f, action, app, code}
	},
	"group": func(title string, list partyList) any {
		return struct {
			Title string
			List  partyList
		}{title, list}
	},
	"payload": func(f *page, p *payload, action, id string) any {
		return struct {
			F                 *page
			T                 *messages
			P                 *payload
			Action, ID, Token string
		}{f, f.T, p, action, id, f.Token}
	},
}

// pages are the templates, each with the layout.
type pages struct{ of map[string]*template.Template }

func newPages() (*pages, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	p := &pages{of: map[string]*template.Template{}}
	for _, name := range names {
		base := strings.TrimSuffix(path.Base(name), ".html")
		if base == "layout" || base == "parts" {
			continue
		}
		t, err := template.New("layout.html").Option("missingkey=error").Funcs(helpers).ParseFS(files, "templates/layout.html", "templates/parts.html", name)
		if err != nil {
			return nil, fmt.Errorf("read the templates of the console: %w", err)
		}
		p.of[base] = t
	}
	return p, nil
}

func (p *pages) write(w io.Writer, name string, data *page) error {
	t := p.of[name]
	if t == nil {
		return fmt.Errorf("there is no template %q", name)
	}
	return t.ExecuteTemplate(w, "layout.html", data)
}

// part renders one part of a page alone.
func (p *pages) part(w io.Writer, name, part string, data *page) error {
	return p.of[name].ExecuteTemplate(w, part, data)
}

// page is what templates see.
type page struct {
	format
	T           *messages
	Name, Title string
	Theme       string
	Federation  string
	Test        bool
	Person      *person
	Who         string
	Role        string
	Token       string
	Said        string // a sentence that the person is told once
	Here        string // path and query, to come back to
	Nav         []entry
	Data        any
}

// Outcome names what was decided about an event, or what became of a copy.
func (p *page) Outcome(key any) string { return p.T.outcome(fmt.Sprint(key)) }

// SetAside says why an adapter has set a file aside.
func (p *page) SetAside(code string) string { return setAside(code, p.Lang) }

// Reason says why an application got nothing.
func (p *page) Reason(o who.Other) string {
	if p.Lang == "de" {
		return o.Reason().De
	}
	return o.Reason().En
}

// entry of the navigation.
type entry struct {
	Path, Title string
	Current     bool
}

func (q *request) page(name, title string, data any) *page {
	fed := q.cfg.Hub.Federation()
	p := &page{
		format: q.format(), T: q.t, Name: name, Title: title, Theme: theme(q.r), Federation: fed.Name, Test: !fed.Production,
		Here: cmp.Or(q.here, here(q.r.URL)), Data: data,
	}
	if q.session == nil || len(q.person.grants) == 0 {
		return p
	}
	p.Person, p.Who, p.Token, p.Role = q.person, q.person.who, q.session.token, q.role()
	if said, ok := q.t.said()[q.r.URL.Query().Get("said")]; ok {
		p.Said = said
	}
	for _, e := range q.nav() {
		e.Current = e.Path == "/"+name || e.Path == "/" && name == "overview" || e.Path == section[name]
		p.Nav = append(p.Nav, e)
	}
	return p
}

func (q *request) format() format { return format{q.lang, q.t, q.cfg.Now()} }

// section is the entry of the navigation that a page belongs to.
var section = map[string]string{
	"event": "/search", "case": "/search", "notfound": "/search", "found": "/search", "tail": "/tail", "mailbox": "/streams", "instream": "/streams", "adapter": "/streams",
	"refused": "/quarantine", "refusals": "/quarantine", "cleared": "/quarantine", "edit": "/quarantine", "bulk": "/quarantine", "runs": "/quarantine",
	"replay": "/replays", "replaynew": "/replays", "type": "/catalogue", "agreement": "/agreements", "matrix": "/agreements", "organisation": "/organisations",
}

func (q *request) nav() []entry {
	out := []entry{{Path: "/", Title: q.t.Overview}}
	if q.person.most() >= federation.SightMetadata {
		out = append(out, entry{Path: "/search", Title: q.t.Search}, entry{Path: "/tail", Title: q.t.Tail}, entry{Path: "/quarantine", Title: q.t.Quarantine}, entry{Path: "/parked", Title: q.t.ParkedKeys}, entry{Path: "/replays", Title: q.t.Replays})
	}
	out = append(out, entry{Path: "/streams", Title: q.t.Streams}, entry{Path: "/catalogue", Title: q.t.Catalogue}, entry{Path: "/agreements", Title: q.t.Agreements}, entry{Path: "/organisations", Title: q.t.Organisations})
	if q.person.all() >= federation.SightMetadata {
		out = append(out, entry{Path: "/acts", Title: q.t.Acts})
	}
	return out
}

// role names the person's roles.
func (q *request) role() string {
	if q.person.local {
		return q.t.RoleLocal
	}
	var out []string
	for _, g := range q.person.grants {
		name := map[federation.ConsoleRole]string{
			federation.ConsoleSteward: q.t.RoleSteward + " " + g.Organisation, federation.ConsoleFederation: q.t.RoleFederation,
			federation.ConsoleOperator: q.t.RoleOperator, federation.ConsoleAuditor: q.t.RoleAuditor,
		}[g.Role]
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

// now is the clock of a page.
func (q *request) now() time.Time { return q.cfg.Now() }
