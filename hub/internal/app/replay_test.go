package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// as logs a person in.
func (i *issuers) as(a *app.App, sub, group string) *visitor {
	i.t.Helper()
	i.over = map[string]any{"sub": sub, "groups": []any{group}}
	v := newVisitor(i.t, a)
	if s := v.get("/login/start"); s.status != http.StatusOK {
		i.t.Fatalf("%s logs in: %d", sub, s.status)
	}
	return v
}

// form is one of the console, with the session's token.
func (v *visitor) form(fields ...string) url.Values {
	v.t.Helper()
	out := url.Values{"token": {v.token()}}
	for i := 0; i < len(fields); i += 2 {
		out.Set(fields[i], fields[i+1])
	}
	return out
}

// wants asks for a replay to beta.one, and gives its page's path.
func (v *visitor) wants(rate string) string {
	v.t.Helper()
	s := v.post("/replays", v.form("app", "beta.one", "rate", rate, "reason", "Datenverlust beim Empfänger"))
	if s.status != http.StatusOK || !strings.Contains(s.body, "ist vorgelegt") {
		v.t.Fatalf("asking for a replay: %d %s\n%s", s.status, s.path, s.body)
	}
	path, _, _ := strings.Cut(s.path, "?")
	return path
}

const approve = decision.ActReplayApprove

// TestConsoleReplay: the steward of the receiver counts and asks, another one approves;
// the copies stand on the pages of event and case. Nobody else may, and nobody approves
// alone.
func TestConsoleReplay(t *testing.T) {
	t.Parallel()
	i := newIssuers(t)
	a, w, publish := consoleWorld(t, app.Config{Console: i.console(t)})
	for _, id := range []string{"eins", "zwei"} {
		publish("in.alpha.app."+hubtest.Ding, ding(id))
	}
	w.expect(t, 2, 0)
	anna, berta := i.as(a, "anna", "beta"), i.as(a, "berta", "beta")
	alpha, auditor, operator, federation := i.as(a, "alfred", "alpha"), i.as(a, "rita", "revision"), i.as(a, "otto", "betrieb"), i.as(a, "vera", "verbund")

	if s := anna.post("/replays/look", anna.form("app", "beta.one")); !strings.Contains(s.body, "<strong>2</strong> gehen erneut") {
		t.Errorf("the dry run: %d\n%s", s.status, s.body)
	}
	federation.has("/acts", "Wiederholung gezählt")
	if s := anna.post("/replays/look", anna.form("app", "beta.one", "case", "anderer")); !strings.Contains(s.body, "gibt es nichts zu wiederholen") {
		t.Errorf("of another case: %d\n%s", s.status, s.body)
	}
	for what, fields := range map[string][]string{
		"no reason": {"app", "beta.one", "rate", "5"}, "rate": {"app", "beta.one", "rate", "9999", "reason", "Datenverlust beim Empfänger"},
		"day": {"app", "beta.one", "from", "gestern", "rate", "5", "reason", "Datenverlust beim Empfänger"}, "no mailbox": {"app", "beta.none", "rate", "5", "reason", "Datenverlust beim Empfänger"},
	} {
		if s := anna.post("/replays", anna.form(fields...)); !strings.Contains(s.body, `role="alert"`) {
			t.Errorf("%s: %d %s", what, s.status, s.path)
		}
	}
	path := anna.wants("50")
	id := strings.TrimPrefix(path, "/replays/")
	if s := anna.get(path); !strings.Contains(s.body, "eine andere Person") || strings.Contains(s.body, approve) {
		t.Errorf("who asked is offered to approve:\n%s", s.body)
	}
	if s := anna.post(path, anna.form("act", approve)); !strings.Contains(s.body, "kann nicht selbst darüber entscheiden") {
		t.Errorf("she approves herself: %d %s", s.status, s.body)
	}
	refusedReplay(t, path, map[string]refusedTo{
		"another's steward": {alpha, http.StatusNotFound}, "operator": {operator, http.StatusForbidden},
	})
	if s := alpha.get("/replays"); strings.Contains(s.body, id) {
		t.Error("another's steward sees it in the list")
	}
	for who, v := range map[string]*visitor{"another's steward": alpha, "auditor": auditor, "operator": operator} {
		for _, at := range []string{"/replays/look", "/replays"} {
			if s := v.post(at, v.form("app", "beta.one", "rate", "5", "reason", "Datenverlust beim Empfänger")); s.status != http.StatusForbidden {
				t.Errorf("%s at %s: %d", who, at, s.status)
			}
		}
	}
	if s := auditor.get(path); s.status != http.StatusOK || strings.Contains(s.body, `name="act"`) || !strings.Contains(s.body, "anna") {
		t.Errorf("the auditor sees %d\n%s", s.status, s.body)
	}
	if s := auditor.post(path, auditor.form("act", approve)); s.status != http.StatusForbidden {
		t.Errorf("the auditor approves: %d", s.status)
	}
	if s := berta.get(path); !strings.Contains(s.body, approve) {
		t.Errorf("the second person is not asked:\n%s", s.body)
	}
	if s := berta.post(path, berta.form("act", approve)); s.status != http.StatusOK || !strings.Contains(s.body, "zugestimmt") {
		t.Errorf("approved: %d\n%s", s.status, s.body)
	}
	berta.has(path, "fertig")
	anna.has("/replays", "fertig")
	federation.has("/acts", "Wiederholung zugestimmt")
	for _, lang := range []string{"de", "en"} {
		anna.post("/settings", url.Values{"lang": {lang}})
		for _, page := range []string{path, "/replays", "/replays/new", "/event?id=eins", "/case?id=k"} {
			if s := anna.get(page); s.status != http.StatusOK || !strings.Contains(s.body, `<html lang="`+lang+`"`) {
				t.Errorf("%s in %s: %d", page, lang, s.status)
			}
		}
	}
	anna.has("/event?id=eins", "Replays of this event")
	anna.has("/case?id=k", "goes to the mailbox again")
	if s := alpha.get("/event?id=eins"); !strings.Contains(s.body, "Wiederholungen dieses Ereignisses") || strings.Contains(s.body, path) {
		t.Error("the sender's steward does not see that it was replayed, or is led to the replay")
	}
	var answer app.ReplayAnswer
	must(t, app.Ask(t.Context(), a.Data(), nil, app.VerbReplayRequest, app.ReplayRequest{Scope: decision.ReplayScope{Application: "beta.one", Case: "mein-fall"}, Lang: "en"}, &answer))
	if s := anna.get(answer.Link); s.status != http.StatusOK || !strings.Contains(s.body, `value="mein-fall"`) {
		t.Errorf("the link of the command leads to %d\n%s", s.status, s.body)
	}
	b, _ := local(t, a)
	replayedOnce(t, b, id, "eins", "zwei")
	explained(t, b)
	denials(t, b, path)
}

type refusedTo struct {
	*visitor
	status int
}

func refusedReplay(t *testing.T, path string, whom map[string]refusedTo) {
	t.Helper()
	for who, v := range whom {
		if s := v.get(path); s.status != v.status {
			t.Errorf("%s reads: %d", who, s.status)
		}
		for _, act := range []string{approve, decision.ActReplayReject, decision.ActReplayCancel} {
			if s := v.post(path, v.form("act", act, "reason", "ich darf das nicht")); s.status != v.status {
				t.Errorf("%s, %s: %d", who, act, s.status)
			}
		}
	}
}

// replayedOnce wants one marked copy of each event.
func replayedOnce(t *testing.T, b *bus.Bus, run string, ids ...string) {
	t.Helper()
	got := map[string]int{}
	must(t, b.Often(t.Context(), bus.Out, 1, []string{"out.beta.one.>"}, func(m *event.Message) error {
		if m.Get(event.HeaderReplay) == "" {
			return nil
		}
		e, refused := accept.Decode(m)
		if refused != nil {
			return refused
		}
		if e.Attributes.Value(hub.AttrReplay) != run || !bytes.Equal(bytes.ReplaceAll(e.Data, []byte(" "), nil), []byte(`{"n":1}`)) {
			t.Errorf("the copy of %s is marked %q and holds %s", e.ID(), e.Attributes.Value(hub.AttrReplay), e.Data)
		}
		got[e.ID()]++
		return nil
	}))
	for _, id := range ids {
		if got[id] != 1 {
			t.Errorf("%s went %d times again", id, got[id])
		}
	}
	if len(got) != len(ids) {
		t.Errorf("went again: %v", got)
	}
}

func explained(t *testing.T, b *bus.Bus) {
	t.Helper()
	answer, err := explain.Explain(t.Context(), b, "eins")
	must(t, err)
	var out bytes.Buffer
	answer.Print(&out, "de")
	if len(answer.Events) != 1 || len(answer.Events[0].Replayed) != 1 || !strings.Contains(out.String(), "Wiederholung") {
		t.Errorf("explain says:\n%s", out.String())
	}
}

// denials wants it recorded that somebody tried what is another's.
func denials(t *testing.T, b *bus.Bus, path string) {
	t.Helper()
	n := 0
	must(t, b.Often(t.Context(), bus.Trail, 1, []string{"trail.act.denied.>"}, func(m *event.Message) error {
		a, err := trail.ReadAct(m)
		if err == nil && a.Who == "alfred" && strings.Contains(a.Reason, "/replays") {
			n++
		}
		return err
	}))
	if n < 4 {
		t.Errorf("%d refused tries at %s are recorded", n, path)
	}
}

// TestConsoleReplayLocal: the single user may count, and not ask. Where an adapter would
// act again, the dry run says so.
func TestConsoleReplayLocal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	must(t, os.WriteFile(filepath.Join(dir, "federation.yaml"), []byte(grants), 0o600))
	must(t, os.MkdirAll(filepath.Join(dir, "adapters"), 0o750))
	must(t, os.WriteFile(filepath.Join(dir, "adapters", "zwei.yaml"), []byte("application: beta.two\nkind: filedrop\nsettings: {dir: drop/zwei}\n"), 0o600))
	path := filepath.Join(dir, "organisations", "beta.yaml")
	text, err := os.ReadFile(path)
	must(t, err)
	before, two, _ := strings.Cut(string(text), "- id: beta.two")
	must(t, os.WriteFile(path, []byte(before+"- id: beta.two"+strings.Replace(two, "mode: nats", "mode: sink", 1)), 0o600))
	a, w, publish := consoleWorld(t, app.Config{Directory: dir})
	publish("in.alpha.app."+hubtest.Ding, ding("eins"))
	w.expect(t, 1, 1)
	v := newVisitor(t, a).enter(a)
	for receiver, acts := range map[string]bool{"beta.one": false, "beta.two": true} {
		if s := v.post("/replays/look", v.form("app", receiver)); strings.Contains(s.body, "arbeitet ein Adapter") != acts {
			t.Errorf("an adapter may act again at %s: %v\n%s", receiver, !acts, s.body)
		}
	}
	if s := v.post("/replays/look", v.form("app", "beta.one")); !strings.Contains(s.body, "<strong>1</strong> gehen erneut") || strings.Contains(s.body, `action="/replays"`) {
		t.Errorf("%d\n%s", s.status, s.body)
	}
	if s := v.post("/replays", v.form("app", "beta.one", "rate", "5", "reason", "Datenverlust beim Empfänger")); s.status != http.StatusForbidden {
		t.Errorf("the single user asks: %d", s.status)
	}
	var answer app.ReplayAnswer
	req := app.ReplayRequest{Scope: decision.ReplayScope{Application: "beta.one"}, Who: "ich", Reason: "x", Lang: "en"}
	must(t, app.Ask(t.Context(), a.Data(), nil, app.VerbReplayLook, req, &answer))
	if answer.Found.Counts[decision.ReplayGoes] != 1 || !answer.Found.Whole {
		t.Errorf("the command counts %+v", answer.Found)
	}
	if err := app.Ask(t.Context(), a.Data(), nil, app.VerbReplayRequest, req, &answer); err == nil || !strings.Contains(err.Error(), "nobody could approve") {
		t.Errorf("the command asks: %v", err)
	}
	b, _ := local(t, a)
	looks := map[bool]int{} // by whether it was the command
	must(t, b.Read(t.Context(), bus.Trail, 1, []string{"trail.act." + decision.ActReplayLook + ".>"}, func(m *event.Message) error {
		act, err := trail.ReadAct(m)
		if err == nil && (act.Replay.Scope.Application != act.Application || len(act.Replay.Counts) > 0) {
			t.Errorf("recorded: %s", m.Data)
		}
		looks[act.Who == "ich"]++
		return err
	}))
	if looks[false] != 3 || looks[true] != 1 {
		t.Errorf("recorded are %v dry runs", looks)
	}
}

// TestReplayRestart: a replay goes on after a restart of the hub, each copy goes once, and
// the books are right.
func TestReplayRestart(t *testing.T) {
	t.Parallel()
	i := newIssuers(t)
	cfg := app.Config{Directory: t.TempDir(), Console: i.console(t), Data: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0"}
	hubtest.WriteFederation(t, cfg.Directory)
	must(t, os.WriteFile(filepath.Join(cfg.Directory, "federation.yaml"), []byte(grants), 0o600))
	w := newWatch()
	cfg.Observer = w
	a := startApp(t, cfg)
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			stopApp(t, a)
		}
	})
	b, publish := local(t, a)
	var ids []string
	for n := range 4 {
		ids = append(ids, fmt.Sprintf("e%d", n))
		publish("in.alpha.app."+hubtest.Ding, ding(ids[n]))
	}
	w.expect(t, 4, 0)
	path := i.as(a, "anna", "beta").wants("1")
	berta := i.as(a, "berta", "beta")
	berta.post(path, berta.form("act", approve))
	awaitTrue(t, "the first copy", func() bool {
		subjects, err := b.Subjects(t.Context(), bus.Out, "out.beta.one."+hubtest.Ding+".>")
		return err == nil && len(subjects) > 0
	})
	stopApp(t, a)
	stopped = true
	cfg.Console = i.console(t)
	a = startApp(t, cfg)
	stopped = false
	i.as(a, "carla", "beta").has(path, "fertig")
	b, _ = local(t, a)
	replayedOnce(t, b, strings.TrimPrefix(path, "/replays/"), ids...)
	stopApp(t, a)
	a = startApp(t, cfg) // compares the store with the ledger
	b, _ = local(t, a)
	last, err := b.Last(t.Context(), bus.Trail, "trail.damage.>")
	if err != nil || last != nil {
		t.Errorf("the books are not right: %v, %v", last, err)
	}
}
