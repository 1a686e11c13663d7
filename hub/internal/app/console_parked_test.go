package app_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// TestConsoleParked: of two keys that are parked at a receiver one is released and handed
// out, the other given back, each with a reason and recorded; not while the receiver is
// paused.
func TestConsoleParked(t *testing.T) {
	t.Parallel()
	s := externalServer(t, nil)
	defer stopServer(s)
	ext := &bus.External{URL: "nats://hub:secret@" + s.Addr().String()}
	dir, data, w := story(t), filepath.Join(t.TempDir(), "data"), newWatch()
	a := startApp(t, app.Config{Directory: dir, Data: data, Observer: w, External: ext, Monitor: monitor(s), Console: &app.Console{Listen: "127.0.0.1:0"}})
	defer func() { stopApp(t, a) }()
	handIn(t, dir, data)
	w.expect(t, 5, 12) // with a receipt each
	b, err := bus.Dial(t.Context(), *ext, zap.NewNop())
	must(t, err)
	defer b.Close()
	v := newVisitor(t, a).enter(a)
	act := func(path, act, key, reason string) seen {
		t.Helper()
		return v.post(path, url.Values{"token": {v.token()}, "app": {"lhm.kfz"}, "key": {key}, "act": {act}, "reason": {reason}})
	}
	act("/streams/pause", "pause", "", "Umzug des Fachverfahrens")
	parkCopy(t, b, "1000001", "Fall 1 (ä)")
	parkCopy(t, b, "1000002", "Fall 2")
	parkCopy(t, b, "1000003", "Fall 2")
	if s := act("/parked", decision.ActRelease, "Fall 1 (ä)", "Das Fachverfahren ist bereit"); !strings.Contains(s.body, "erst fortsetzen") || !strings.Contains(s.body, "Fall 1 (ä)") {
		t.Errorf("released while it is paused: %s\n%s", s.path, s.body)
	}
	act("/streams/pause", "go-on", "", "Umzug ist vorbei") // it reads what is parked
	if s := act("/parked", decision.ActRelease, "Fall 1 (ä)", "kurz"); !strings.Contains(s.path, "said=reason") {
		t.Error("without a reason:", s.path)
	}
	if s := act("/parked", "x", "Fall 1 (ä)", "Das Fachverfahren ist bereit"); s.status != http.StatusNotFound {
		t.Error("an odd act:", s.status)
	}
	if s := act("/parked", decision.ActReturn, "Fall 3", "Der Fall ist geschlossen"); !strings.Contains(s.body, "nicht geparkt") {
		t.Error("a key that is not parked:", s.path)
	}
	awaitTrue(t, "the key is released", func() bool { // when the receiver knows what is parked
		return strings.Contains(act("/parked", decision.ActRelease, "Fall 1 (ä)", "Das Fachverfahren ist bereit").path, "said=release")
	})
	if _, ms := w.expect(t, 0, 1); ms[0].Result != decision.Done || ms[0].ID != "parked-1000001" {
		t.Errorf("released, the copy became %+v", ms[0])
	}
	if s := act("/parked", decision.ActReturn, "Fall 2", "Der Fall ist geschlossen"); !strings.Contains(s.path, "said=return") {
		t.Errorf("given back: %d %s\n%s", s.status, s.path, s.body)
	}
	_, ms := w.expect(t, 0, 2)
	for _, d := range ms {
		if d.Result != decision.Refused || d.Code != decision.CodeReturned {
			t.Errorf("given back, a copy became %+v", d)
		}
	}
	v.has("/parked", "Kein Schlüssel ist geparkt")
	v.has("/quarantine/group?app=lhm.kfz&code=RETURNED", "parked-1000003")
	for what, reason := range map[string]string{"Schlüssel freigegeben": "Das Fachverfahren ist bereit", "An den Absender zurückgegeben": "Der Fall ist geschlossen"} {
		if s := v.has("/acts", what); !strings.Contains(s.body, reason) {
			t.Errorf("%s stands in the record without the reason", what)
		}
	}
}
