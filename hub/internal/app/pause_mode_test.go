package app_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/console"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// pauseOrGoOn acts on beta.one until that can be done: a webhook may be just starting.
func pauseOrGoOn(t *testing.T, a *app.App, pause bool) {
	t.Helper()
	waitUntil(t, "the act on the mailbox", func() bool {
		err := a.Pause(t.Context(), console.PauseRequest{Application: "beta.one", Pause: pause, Who: "mustermann", Reason: "Wartung bis Montag"})
		if err != nil && !errors.Is(err, console.ErrNotThere) {
			t.Fatal(err)
		}
		return err == nil
	})
	if one := a.Paused("beta.one"); (one != nil) != pause {
		t.Fatalf("after the act it is shown as %+v", one)
	}
}

// TestPauseMode: a mailbox that is paused stays so, and is shown so, whatever mode the
// directory gives it, with and without a restart; only a person lets it go on, in any mode.
func TestPauseMode(t *testing.T) {
	t.Parallel()
	const nats = "mailbox: {mode: nats}"
	for name, restart := range map[string]bool{"reload": false, "restart": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t, nil)
			webhook := fmt.Sprintf("mailbox: {mode: webhook, webhook: {url: %q, allow: [%q], contact: Fachbetreuung, timeout: 1s}}", h.URL, h.URL)
			dir, data, w := t.TempDir(), filepath.Join(t.TempDir(), "data"), newWatch()
			hubtest.WriteFederation(t, dir)
			edit(t, dir, "federation.yaml", "environment: test\n", "environment: test\norigin: hub.example\n")
			cfg := app.Config{Directory: dir, Data: data, Observer: w, Listen: "127.0.0.1:0"}
			a := startApp(t, cfg)
			defer func() { stopApp(t, a) }()
			_, publish := local(t, a)
			change := func(from, to string) {
				t.Helper()
				edit(t, dir, "organisations/beta.yaml", "title: One\n    "+from, "title: One\n    "+to)
				if restart {
					stopApp(t, a)
					a = startApp(t, cfg)
				} else if _, err := a.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				if one := a.Paused("beta.one"); one == nil || one.Who != "mustermann" || !strings.HasPrefix(one.Reason, "Wartung") {
					t.Fatalf("with %.20s… it is shown as %+v", to, one)
				}
			}
			pauseOrGoOn(t, a, true)
			publish("in.alpha.app."+hubtest.Ding, ding("eins"))
			w.expect(t, 1, 0)
			change(nats, webhook)
			if _, taken := h.got(); len(taken) != 0 {
				t.Error("the webhook gets what is paused")
			}
			pauseOrGoOn(t, a, false)
			waitUntil(t, "the webhook to get it", func() bool { _, taken := h.got(); return len(taken) == 1 })
			pauseOrGoOn(t, a, true)
			change(webhook, nats)
			if !heldBack(t, data, "beta.one") {
				t.Error("the server hands out what a person has stopped")
			}
			pauseOrGoOn(t, a, false)
			if heldBack(t, data, "beta.one") {
				t.Error("the server does not hand out")
			}
			if _, err := a.Reload(t.Context()); err != nil || a.Paused("beta.one") != nil {
				t.Error("it is paused again:", err)
			}
			stopApp(t, a)
			a = startApp(t, cfg)
			if a.Paused("beta.one") != nil || heldBack(t, data, "beta.one") {
				t.Error("it is paused again after a start")
			}
		})
	}
}

// TestPauseAborted: what a person has begun is done to the end, though the request ends.
func TestPauseAborted(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	hubtest.WriteFederation(t, dir)
	cfg := app.Config{Directory: dir, Data: data, Observer: newWatch(), Listen: "127.0.0.1:0"}
	a := startApp(t, cfg)
	defer func() { stopApp(t, a) }()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r := console.PauseRequest{Application: "beta.one", Who: "mustermann", Reason: "Wartung bis Montag"}
	for _, r.Pause = range []bool{true, false, true} {
		if err := a.Pause(gone, r); err != nil || (a.Paused("beta.one") != nil) != r.Pause || heldBack(t, data, "beta.one") != r.Pause {
			t.Error("paused:", r.Pause, err)
		}
	}
	stopApp(t, a)
	a = startApp(t, cfg)
	if a.Paused("beta.one") == nil {
		t.Error("the pause did not last")
	}
}
