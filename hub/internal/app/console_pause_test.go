package app_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// held tells whether the server holds a mailbox back.
func heldBack(t *testing.T, data, application string) (held bool) {
	t.Helper()
	must(t, app.Look(t.Context(), data, nil, func(ctx context.Context, l *app.Looking) error {
		w, err := l.Bus.WaitingIn(ctx, application)
		held = w.Paused
		return err
	}))
	return held
}

// TestConsolePause: a mailbox that a person pauses hands out nothing, is shown as paused
// everywhere, stays so over a restart, and goes on.
func TestConsolePause(t *testing.T) {
	t.Parallel()
	dir, data, w := t.TempDir(), filepath.Join(t.TempDir(), "data"), newWatch()
	hubtest.WriteFederation(t, dir)
	cfg := app.Config{Directory: dir, Data: data, Observer: w, Listen: "127.0.0.1:0", Console: &app.Console{Listen: "127.0.0.1:0"}}
	a := startApp(t, cfg)
	_, publish := local(t, a)
	v := newVisitor(t, a).enter(a)
	act := func(v *visitor, act, reason string) seen {
		t.Helper()
		return v.post("/streams/pause", url.Values{"token": {v.token()}, "app": {"beta.one"}, "act": {act}, "reason": {reason}})
	}
	if s := act(v, "pause", "kurz"); !strings.Contains(s.path, "said=reason") || heldBack(t, data, "beta.one") {
		t.Error("without a reason:", s.path)
	}
	if s := act(v, "pause", "Wartung bis Montag"); !strings.Contains(s.body, "angehalten seit") || !strings.Contains(s.body, "Wartung bis Montag") {
		t.Errorf("%s says\n%s", s.path, s.body)
	}
	if !heldBack(t, data, "beta.one") || heldBack(t, data, "beta.two") {
		t.Error("the server does not hold back what is paused, or another")
	}
	publish("in.alpha.app."+hubtest.Ding, ding("eins"))
	w.expect(t, 1, 0)
	for _, path := range []string{"/streams", "/event?id=eins", "/case?id=k", "/acts"} {
		if s := v.has(path, "ngehalten"); !strings.Contains(s.body, "beta.one") {
			t.Error(path)
		}
	}
	v.has("/streams/mailbox?app=beta.one", "<dt>wartend</dt><dd>1</dd>")
	for _, path := range []string{"/streams/in?org=alpha", "/streams/mailbox?app=beta.two"} {
		v.has(path, `<rect class="bar s0"`)
	}
	for path, want := range map[string]int{
		"/streams/mailbox?app=alpha.app": http.StatusNotFound, "/streams/mailbox": http.StatusNotFound, "/streams/in?org=nobody": http.StatusNotFound,
		"/streams/adapter?name=x": http.StatusNotFound,
	} {
		if s := v.get(path); s.status != want {
			t.Error(path, s.status)
		}
	}
	for _, form := range []url.Values{{"app": {"alpha.app"}, "act": {"pause"}}, {"app": {"beta.one"}, "act": {"x"}}, {"adapter": {"x"}, "act": {"pause"}}} {
		form.Set("token", v.token())
		form.Set("reason", "weil ich es will")
		if s := v.post("/streams/pause", form); s.status != http.StatusNotFound {
			t.Error(form, s.status)
		}
	}
	stopApp(t, a)
	a = startApp(t, cfg)
	defer func() { stopApp(t, a) }()
	v = newVisitor(t, a).enter(a)
	if s := v.get("/streams/mailbox?app=beta.one"); !strings.Contains(s.body, "Wartung bis Montag") || !heldBack(t, data, "beta.one") {
		t.Error("the pause did not last over a restart")
	}
	if s := act(v, "go-on", "Wartung ist vorbei"); strings.Contains(s.body, "angehalten seit") || heldBack(t, data, "beta.one") {
		t.Error("it does not go on")
	}
	v.has("/acts", "Fortgesetzt")
}

// TestConsolePauseForeign: nobody pauses what is another's, nor who only reads.
func TestConsolePauseForeign(t *testing.T) {
	t.Parallel()
	i := newIssuers(t)
	a, _, _ := consoleWorld(t, app.Config{Console: i.console(t)})
	for group, want := range map[string]int{"alpha": http.StatusForbidden, "revision": http.StatusForbidden, "betrieb": http.StatusForbidden} {
		v, _ := i.login(a, group)
		s := v.post("/streams/pause", url.Values{"token": {v.token()}, "app": {"beta.one"}, "act": {"pause"}, "reason": {"weil ich es will"}})
		if s.status != want {
			t.Error(group, s.status)
		}
		if group == "alpha" {
			if s := v.get("/streams/mailbox?app=beta.one"); s.status != http.StatusForbidden {
				t.Error("another's mailbox:", s.status)
			}
		}
	}
	verbund, _ := i.login(a, "verbund")
	if s := verbund.get("/streams/mailbox?app=beta.one"); strings.Contains(s.body, "angehalten") {
		t.Error("it is paused")
	}
	verbund.has("/acts", "Zugriff auf fremde Organisation")
}

// TestConsoleAdapter: an adapter tells when it looked, what it has set aside and why; while
// it is paused it takes nothing.
func TestConsoleAdapter(t *testing.T) {
	t.Parallel()
	dir, data := story(t), filepath.Join(t.TempDir(), "data")
	a := startApp(t, app.Config{Directory: dir, Data: data, Observer: newWatch(), Listen: "127.0.0.1:0", Console: &app.Console{Listen: "127.0.0.1:0"}})
	defer func() { stopApp(t, a) }()
	v := newVisitor(t, a).enter(a)
	v.has("/streams/adapter?name=okewo", "zuletzt nachgesehen</dt><dd>gerade eben")
	act := func(act string) seen {
		return v.post("/streams/pause", url.Values{"token": {v.token()}, "adapter": {"okewo"}, "act": {act}, "reason": {"Ablage wird umgezogen"}})
	}
	if s := act("pause"); !strings.Contains(s.body, "Ablage wird umgezogen") {
		t.Errorf("%s says\n%s", s.path, s.body)
	}
	v.has("/search?q=nie-gehört", "Der Adapter ist angehalten")
	in := filepath.Join(data, "drop", "okewo", "in")
	must(t, os.WriteFile(filepath.Join(in, "schlecht.json"), []byte("{"), 0o600))
	v.has("/streams/adapter?name=okewo", "Wartende Dateien</dt><dd>1")
	act("go-on")
	v.has("/streams/adapter?name=okewo", "</code></th><td class=\"n\">1")
	v.has("/search?q=nie-gehört", "Im Fehlerordner liegt etwas")
}
