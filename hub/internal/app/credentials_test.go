package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestCredentials: whoever has none in force is dropped, or does not get in; others go
// on; all of it without a restart, and after one; each act is in the trail.
func TestCredentials(t *testing.T) {
	w := newWorld(t)
	first, id := w.issue(app.CredentialsRequest{Name: "beta.one"})
	otherFile, _ := w.issue(app.CredentialsRequest{Name: "beta.two"})
	one, err := w.dial("beta.one", first)
	must(t, err)

	if _, err := w.act(app.CredentialsRequest{Act: decision.ActSuspend, Name: "beta.one"}); err != nil {
		t.Fatal(err)
	}
	one.dropped()
	if _, err := w.dial("beta.one", first); err == nil {
		t.Error("suspended, and let in")
	}
	w.restart()
	if _, err := w.dial("beta.one", first); err == nil {
		t.Error("suspended, and let in after a restart")
	}
	must(t, second(w.act(app.CredentialsRequest{Act: decision.ActResume, Name: "beta.one"})))
	one, err = w.dial("beta.one", first)
	must(t, err)

	two, err := w.dial("beta.two", otherFile)
	must(t, err)
	newer, newID := w.issue(app.CredentialsRequest{Act: decision.ActRotate, Name: "beta.one"}) // no overlap
	one.dropped()
	if _, err := w.dial("beta.one", first); err == nil {
		t.Error("replaced, and let in")
	}
	one, err = w.dial("beta.one", newer)
	must(t, err)
	must(t, second(w.act(app.CredentialsRequest{Act: decision.ActRevoke, ID: newID})))
	one.dropped()
	must(t, two.publish("in.beta.two."+hubtest.Ding, ding("goes-on")))
	must(t, second(w.act(app.CredentialsRequest{Act: decision.ActSuspend, Name: "beta"})))
	two.dropped()
	if _, err := w.dial("beta.two", otherFile); err == nil {
		t.Error("its organisation is suspended, and it was let in")
	}
	must(t, second(w.act(app.CredentialsRequest{Act: decision.ActResume, Name: "beta"})))
	two, err = w.dial("beta.two", otherFile)
	must(t, err)
	must(t, two.publish("in.beta.two."+hubtest.Ding, ding("resumed")))

	list, err := w.act(app.CredentialsRequest{Act: app.CredentialsList})
	must(t, err)
	states := map[string]accounts.Condition{}
	for _, c := range list.List {
		states[c.ID] = c.Condition
	}
	if states[id] != accounts.Replaced || states[newID] != accounts.Revoked || len(states) != 3 {
		t.Errorf("the list says %v", states)
	}
	if acts := w.acts(); !slices.Equal(acts, []string{
		"credential-issue beta.one", "credential-issue beta.two", "credential-suspend beta.one", "credential-resume beta.one",
		"credential-rotate beta.one", "credential-revoke beta.one", "credential-suspend beta", "credential-resume beta",
	}) {
		t.Errorf("the trail holds %v", acts)
	}
}

func second(_ app.CredentialsAnswer, err error) error { return err }

func (w *world) acts() (out []string) {
	w.t.Helper()
	must(w.t, w.Bus().Read(w.t.Context(), bus.Trail, 1, []string{"trail.act.>"}, func(m *event.Message) error {
		var a decision.Act
		err := json.Unmarshal(m.Data, &a)
		out = append(out, a.Act+" "+a.Application)
		if a.Who != "test" {
			w.t.Errorf("done by %q", a.Who)
		}
		return err
	}))
	return out
}

// TestCredentialExpires: the server drops who has expired by itself.
func TestCredentialExpires(t *testing.T) {
	w := newWorld(t)
	file, _ := w.issue(app.CredentialsRequest{Name: "beta.one", Valid: 2 * time.Second})
	c, err := w.dial("beta.one", file)
	must(t, err)
	c.dropped()
	list, err := w.act(app.CredentialsRequest{Act: app.CredentialsList})
	must(t, err)
	if len(list.List) != 1 || list.List[0].Condition != accounts.Expired {
		t.Errorf("the list says %+v", list.List)
	}
}

// TestApplicationLeaves: with the directory its credentials end, and with a new
// organisation come new ones, at a reload.
func TestApplicationLeaves(t *testing.T) {
	w := newWorld(t)
	one, two := w.connect("beta.one"), w.connect("beta.two")
	must(t, os.Remove(filepath.Join(w.dir, "agreements", "ding-zwei.yaml")))
	edit(t, w.dir, "organisations/beta.yaml", "  - id: beta.two\n    title: Two\n    mailbox: {mode: nats}\n", "")
	must(t, os.WriteFile(filepath.Join(w.dir, "organisations", "gamma.yaml"), []byte(`id: gamma
name: Gamma
role: authority
authorities: [{key: "ags:00000003", name: Gamma}]
applications: [{id: gamma.neu, title: Neu, sources: [{prefix: "urn:test:gamma", authority: "ags:00000003"}]}]
`), 0o600))
	if _, err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	two.dropped()
	must(t, one.publish("in.beta.one."+hubtest.Ding, ding("stays")))
	must(t, w.connect("gamma.neu").publish("in.gamma.neu."+hubtest.Ding, ding("new")))
	must(t, os.Remove(filepath.Join(w.dir, "organisations", "gamma.yaml")))
}

// TestCredentialsRefused: what cannot be is said in words, in both languages.
func TestCredentialsRefused(t *testing.T) {
	w := newWorld(t)
	key, _, err := accounts.NewUser()
	must(t, err)
	for name, c := range map[string]struct {
		req  app.CredentialsRequest
		want string
	}{
		"unknown application": {app.CredentialsRequest{Act: decision.ActIssue, Name: "beta.none", User: key}, "is not in the federation directory"},
		"in German":           {app.CredentialsRequest{Act: decision.ActIssue, Name: "beta.none", User: key, Lang: "de"}, "steht nicht im Verbundverzeichnis"},
		"an organisation":     {app.CredentialsRequest{Act: decision.ActIssue, Name: "beta", User: key}, "is not in the federation directory"},
		"no key":              {app.CredentialsRequest{Act: decision.ActIssue, Name: "beta.one"}, "public key of a NATS user"},
		"too long":            {app.CredentialsRequest{Act: decision.ActIssue, Name: "beta.one", User: key, Valid: 10_000 * time.Hour}, "at most 366 days"},
		"unknown credential":  {app.CredentialsRequest{Act: decision.ActRevoke, ID: "x"}, "there is no credential"},
		"not suspended":       {app.CredentialsRequest{Act: decision.ActResume, Name: "beta.one"}, "is not suspended"},
		"nothing":             {app.CredentialsRequest{}, "what is to be done"},
	} {
		if _, err := w.act(c.req); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if acts := w.acts(); len(acts) != 0 {
		t.Errorf("the trail holds what was not done: %v", acts)
	}
}
