package phoenix_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/phoenix"
	"github.com/amtsbote/amtsbote/adapters/phoenix/phoenixsim"
	"github.com/amtsbote/amtsbote/hub"
)

func (c *cloud) notifier(t testing.TB, further string) hub.Sink {
	t.Helper()
	s, err := c.openNotifier(further)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *cloud) openNotifier(further string) (hub.Sink, error) {
	return phoenix.Nextcloud().Sink(env(c.dir), adaptertest.Settings(
		"{url: '"+c.at.URL+"', admin: amtsbote, passwort: passwort, benutzer: [kfz], konsole: 'https://amtsbote.example.org'"+further+"}"))
}

func TestNextcloudSink(t *testing.T) { // alone: it looks for goroutines that are left
	adaptertest.Sink(t, adaptertest.SinkCase{New: func(t testing.TB) adaptertest.Destination {
		c := newCloud(t)
		return adaptertest.Destination{
			Sink: func() (hub.Sink, error) { return c.openNotifier("") }, Event: happened, Unmappable: broken(), Down: c.at.fall,
			Effects: func() (all []string, err error) {
				for _, n := range c.Notifications() {
					all = append(all, n.User+n.Short+n.Long)
				}
				return all, nil
			},
		}
	}})
}

func TestNextcloudNotice(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	s := c.notifier(t, ", sprache: de+en, vorgang: 'vorgaenge/{referenz}', titel: {de.meldewesen.wohnung-angemeldet.v1: {de: Wohnung angemeldet, en: Home registered}}")
	if err := s.Deliver(t.Context(), delivery(1)); err != nil {
		t.Fatal(err)
	}
	got := c.Notifications()
	if len(got) != 1 {
		t.Fatal(got)
	}
	n := got[0]
	const reference = "7d3f0c4e-0000-4000-8000-000000000001"
	const link = "https://amtsbote.example.org/vorgaenge/" + reference
	want := "Ein Vorgang wartet: Wohnung angemeldet\nReferenz: " + reference + "\n" + link +
		"\n\nA case is waiting: Home registered\nReference: " + reference + "\n" + link
	if n.User != "kfz" || n.Short != "Amtsbote: Wohnung angemeldet / Amtsbote: Home registered" || n.Long != want {
		t.Errorf("%+v\nwant %q", n, want)
	}
	holdsNobody(t, n.Short+n.Long)
}

// Each fault of the other side is worth another try, and the notice is told once it
// ends; only what is refused of this one alone is final.
func TestNextcloudFaults(t *testing.T) {
	t.Parallel()
	for do, want := range map[phoenixsim.Effect]struct {
		code      string
		permanent bool
		after     time.Duration
	}{
		"500": {"server-error", false, 0}, "503": {"server-error", false, 0}, "401": {"unauthorised", false, 0}, "403": {"forbidden", false, 0},
		"404": {"unknown-user", false, 0}, "405": {"refused", false, 0}, "412": {"refused", false, 0}, "400": {"refused", true, 0}, phoenixsim.Slow: {"rate-limited", false, 7 * time.Second},
		phoenixsim.Drop: {"unreachable", false, 0}, phoenixsim.Garbage: {"answer-unreadable", false, 0},
		phoenixsim.Huge: {"answer-too-large", false, 0}, phoenixsim.Moved: {"answer-unreadable", false, 0},
	} {
		c := newCloud(t)
		s := c.notifier(t, "")
		order(t, c.Server, "POST", do, 1)
		f := hub.FaultOf(s.Deliver(t.Context(), delivery(1)))
		if f == nil || f.Code != want.code || f.Permanent != want.permanent || f.After != want.after || f.Later != (want.after > 0) {
			t.Errorf("%s: %+v", do, f)
			continue
		}
		if text := f.Error(); strings.Contains(text, "127.0.0.1") || strings.Contains(text, "geheim") || strings.Contains(text, "Wartung") {
			t.Errorf("%s: the fault tells too much: %s", do, text)
		}
		if err := c.notifier(t, "").Deliver(t.Context(), delivery(1)); err != nil || len(c.Notifications()) != 1 {
			t.Errorf("%s: afterwards %v, %d notifications", do, err, len(c.Notifications()))
		}
	}
}

// A server that never answers costs the time that the settings allow.
func TestNextcloudTimeout(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	order(t, c.Server, "POST", phoenixsim.Timeout, 1)
	if f := hub.FaultOf(c.notifier(t, ", frist: 50ms").Deliver(t.Context(), delivery(1))); f == nil || f.Code != "timeout" || f.Permanent {
		t.Error(f)
	}
	order(t, c.Server, "POST", phoenixsim.Timeout, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.notifier(t, "").Deliver(ctx, delivery(1)); !errors.Is(err, context.DeadlineExceeded) || hub.FaultOf(err).Permanent {
		t.Error(err)
	}
}

// Of two users one cannot be told: the other is, once, whatever is tried.
func TestNextcloudOneOfTwo(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	both := func() hub.Sink {
		s, err := phoenix.Nextcloud().Sink(env(c.dir), adaptertest.Settings(
			"{url: '"+c.at.URL+"', admin: amtsbote, passwort: passwort, benutzer: [kfz, leitung]}"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for range 3 {
		order(t, c.Server, "POST", "500", 1)
		if err := both().Deliver(t.Context(), delivery(1)); err == nil {
			t.Error("one was not told, and the delivery is done")
		}
	}
	if err := both().Deliver(t.Context(), delivery(1)); err != nil {
		t.Error(err)
	}
	users := map[string]int{}
	for _, n := range c.Notifications() {
		users[n.User]++
	}
	if users["kfz"] != 1 || users["leitung"] != 1 || len(users) != 2 {
		t.Error(users)
	}
}

// A password that is changed counts at once, without a restart.
func TestNextcloudPasswordIsReadAnew(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	s := c.notifier(t, "")
	write(t, c.dir, "passwort", "falsch")
	if f := hub.FaultOf(s.Deliver(t.Context(), delivery(1))); f == nil || f.Code != "unauthorised" || f.Permanent {
		t.Error(f)
	}
	write(t, c.dir, "passwort", password)
	if err := s.Deliver(t.Context(), delivery(1)); err != nil {
		t.Error(err)
	}
}

// An event with the mark of a test does not reach people in production.
func TestTestInProduction(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	production := env(c.dir)
	production.Production = true
	s, err := phoenix.Nextcloud().Sink(production, adaptertest.Settings("{url: '"+c.at.URL+"', admin: amtsbote, passwort: passwort, benutzer: [kfz]}"))
	if err != nil {
		t.Fatal(err)
	}
	d := delivery(1)
	d.Event.SetExtension("xoevtest", "1")
	if f := hub.FaultOf(s.Deliver(t.Context(), d)); f == nil || !f.Permanent || f.Code != "test-in-production" || len(c.Notifications()) != 0 {
		t.Error(f)
	}
}
