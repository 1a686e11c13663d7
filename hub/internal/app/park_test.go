package app_test

import (
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

// parkCopy parks a copy for lhm.kfz, as the hub would, under a key.
func parkCopy(t *testing.T, b *bus.Bus, out, key string) {
	t.Helper()
	m, err := b.Last(t.Context(), bus.Out, "out.lhm.kfz.>")
	if err != nil || m == nil {
		t.Fatalf("no copy to take as a model: %v", err)
	}
	p := event.Message{
		Subject: decision.ParkedKey{Application: "lhm.kfz", Direction: decision.Out, Token: event.KeyToken(key)}.Subject(),
		Header:  maps.Clone(m.Header), Data: m.Data,
	}
	p.Header["ce-id"] = []string{"parked-" + out}
	p.Header[event.HeaderDelivery] = []string{"IN_akdb-" + out + "-lhm.kfz"}
	p.Header[event.HeaderKey] = []string{event.PercentEncode(key)}
	p.Header[event.HeaderOut] = []string{out}
	p.Header[event.HeaderSubject], p.Header[event.HeaderCode] = []string{m.Subject}, []string{"no-file"}
	if _, err := b.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// TestParkedActs: keys that were parked before a restart are listed; released,
// one is handed out; returned, the other rests in quarantine; both acts are in
// the trail with who and why, without the key's text.
func TestParkedActs(t *testing.T) {
	s := externalServer(t, nil)
	defer stopServer(s)
	ext := &bus.External{URL: "nats://hub:secret@" + s.Addr().String()}
	dir, data, w := story(t), filepath.Join(t.TempDir(), "data"), newWatch()
	cfg := app.Config{Directory: dir, Data: data, Observer: w, External: ext, Monitor: monitor(s)}
	a := startApp(t, cfg)
	handIn(t, dir, data)
	w.expect(t, 5, 12) // with a receipt each
	stopApp(t, a)
	b, err := bus.Dial(t.Context(), *ext, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	parkCopy(t, b, "1000001", "Fall 1 (ä)")
	parkCopy(t, b, "1000002", "Fall 2")
	parkCopy(t, b, "1000003", "Fall 2")
	ask := func(verb string, req app.ParkedRequest) (answer app.ParkedAnswer, err error) {
		return answer, app.Ask(t.Context(), data, ext, verb, req, &answer)
	}
	if _, err := ask(app.VerbRelease, app.ParkedRequest{Key: "Fall 1 (ä)"}); !errors.Is(err, bus.ErrNoHub) {
		t.Errorf("released while no hub runs: %v", err)
	}

	a = startApp(t, cfg)
	defer func() { stopApp(t, a) }()
	entries, err := parked.List(t.Context(), b)
	if err != nil || len(entries) != 2 || entries[0].Key != "Fall 1 (ä)" || entries[1].Messages != 2 || entries[1].Code != "no-file" || entries[1].Application != "lhm.kfz" {
		t.Errorf("List = %+v, %v", entries, err)
	}
	if _, err := ask(app.VerbRelease, app.ParkedRequest{Key: "Fall 1 (ä)", Application: "lhm.abfall", Lang: "de"}); err == nil || !strings.Contains(err.Error(), "nicht geparkt") {
		t.Errorf("released where it is not parked: %v", err)
	}
	var answer app.ParkedAnswer
	for err = parked.ErrStarting; err != nil && strings.Contains(err.Error(), "try again"); {
		answer, err = ask(app.VerbRelease, app.ParkedRequest{Key: "Fall 1 (ä)", Who: "mustermann"})
	}
	if err != nil || answer.Messages != 1 || answer.Application != "lhm.kfz" {
		t.Fatalf("release = %+v, %v", answer, err)
	}
	_, ms := w.expect(t, 0, 1)
	if ms[0].Result != decision.Done || ms[0].ID != "parked-1000001" {
		t.Errorf("released, the copy became %+v", ms[0])
	}
	if answer, err = ask(app.VerbReturn, app.ParkedRequest{Key: "Fall 2", Who: "mustermann", Reason: "Fall geschlossen"}); err != nil || answer.Messages != 2 {
		t.Fatalf("return = %+v, %v", answer, err)
	}
	_, ms = w.expect(t, 0, 2)
	if ms[0].Result != decision.Refused || ms[0].Code != decision.CodeReturned {
		t.Errorf("returned, the copy became %+v", ms[0])
	}
	acts := map[string]*decision.Act{}
	err = b.Read(t.Context(), bus.Trail, 1, []string{"trail.act.>"}, func(m *event.Message) error {
		if strings.Contains(string(m.Data), "Fall 1") {
			t.Errorf("the key's text is in the trail: %s", m.Data)
		}
		act, err := trail.ReadAct(m)
		acts[act.Act] = act
		return err
	})
	if act := acts[decision.ActReturn]; err != nil || len(acts) != 2 || act.Who != "mustermann" || act.Reason != "Fall geschlossen" || act.Messages != 2 || act.Key != event.KeyToken("Fall 2") {
		t.Errorf("the trail holds %+v, %v", acts, err)
	}
}
