package app_test

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	amtsmail "github.com/amtsbote/amtsbote/hub/internal/mail"
)

// postOffice is a mail server on loopback: go-smtp's.
type postOffice struct {
	addr string
	mu   sync.Mutex
	got  []*letter
}

type letter struct {
	office   *postOffice
	from, to string
	header   mail.Header
	text     string
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	o := &postOffice{}
	s := smtp.NewServer(o)
	s.Domain = "mail.example"
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	o.addr = l.Addr().String()
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { _ = s.Close(); wg.Wait() })
	return o
}

// NewSession implements smtp.Backend.
func (o *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{office: o}, nil }

func (o *postOffice) letters() []*letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]*letter{}, o.got...)
}

func (l *letter) Mail(from string, _ *smtp.MailOptions) error {
	l.from = from
	return nil
}

func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.to = to
	return nil
}

func (l *letter) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		return err
	}
	l.office.mu.Lock()
	defer l.office.mu.Unlock()
	l.office.got = append(l.office.got, &letter{from: l.from, to: l.to, header: m.Header, text: strings.ReplaceAll(string(text), "\r\n", "\n")})
	return nil
}

func (l *letter) Reset()        {}
func (l *letter) Logout() error { return nil }

// TestMailGone: a receiver answers 410, and its contact has a mail that says so; who has
// no address has none, and nothing of the event is in it.
func TestMailGone(t *testing.T) {
	gone := func() *hook {
		return newHook(t, func(_ int, w http.ResponseWriter, r *http.Request) bool { return status(410)(1, w, r) })
	}
	office, first, second := newPostOffice(t), gone(), gone()
	dir := t.TempDir()
	webhookFederation(t, dir, map[string]string{"one-gone": first.URL + "/geheim?x=geheim", "two-gone": second.URL}, "")
	edit(t, dir, "organisations/beta.yaml", "/geheim?x=geheim\"], contact: Fachbetreuung", "\"], contact: Fachbetreuung Beta <fach@beta.example>")
	k := startHTTP(t, app.Config{
		Directory: dir, HTTP: &app.HTTP{MetricsOpen: true},
		Mail: &amtsmail.Config{Server: office.addr, From: "amtsbote@hub.example"},
	}, "alpha.app")
	k.event(t, string(keyed("geheime-id", "geheim"))).want(t, "an event", http.StatusAccepted, "")
	awaitTrue(t, "a mail", func() bool { return len(office.letters()) > 0 })
	m := office.letters()[0]
	if m.from != "amtsbote@hub.example" || m.to != "fach@beta.example" || m.header.Get("To") != "<fach@beta.example>" {
		t.Errorf("from %s to %s", m.from, m.to)
	}
	if got := m.header.Get("Subject") + " " + m.header.Get("Auto-Submitted"); got != "[Amtsbote] beta.one-gone: angehalten (410) / halted (410) auto-generated" {
		t.Errorf("headers %s", got)
	}
	for _, want := range []string{"Fachverfahren: beta.one-gone\n", "Host of the webhook: 127.0.0.1\n", "Hub: hub.example\n", "Code: http-410\n", "amtsbote webhook resume beta.one-gone"} {
		if !strings.Contains(m.text, want) {
			t.Errorf("the mail lacks %q:\n%s", want, m.text)
		}
	}
	if strings.Contains(m.text, "geheim") {
		t.Errorf("the mail tells too much:\n%s", m.text)
	}
	nobody := *k
	nobody.token = ""
	for _, line := range []string{`amtsbote_mails_total{result="sent"} 1`, "amtsbote_mails_waiting 0", `amtsbote_webhook_state{mailbox="beta.two-gone",state="halted"} 1`} {
		awaitTrue(t, line, func() bool { return strings.Contains(string(nobody.ask(t, http.MethodGet, "/metrics", nil).raw), line) })
	}
	if n := len(office.letters()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// TestMailWaits: a receiver that asks to wait for two hours, and one that does not
// consent, have a mail each.
func TestMailWaits(t *testing.T) {
	office := newPostOffice(t)
	busy := newHook(t, status(429, "Retry-After", "7200"))
	shy := newHook(t, nil)
	shy.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	dir := t.TempDir()
	webhookFederation(t, dir, map[string]string{"busy": busy.URL, "shy": shy.URL}, "")
	for range 2 {
		edit(t, dir, "organisations/beta.yaml", "contact: Fachbetreuung", "contact: fach@beta.example")
	}
	a := startApp(t, app.Config{
		Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Observer: newWatch(), Listen: "127.0.0.1:0",
		Mail: &amtsmail.Config{Server: office.addr, From: "amtsbote@hub.example"},
	})
	defer stopApp(t, a)
	_, publish := local(t, a)
	publish("in.alpha.app."+hubtest.Ding, keyed("1", "k"))
	awaitTrue(t, "two mails", func() bool { return len(office.letters()) == 2 })
	var told string
	for _, m := range office.letters() {
		told += m.text
	}
	for _, want := range []string{"asks to wait (429 or 503)", "Application: beta.busy\n", "has not consented", "Application: beta.shy\n"} {
		if !strings.Contains(told, want) {
			t.Errorf("the mails lack %q:\n%s", want, told)
		}
	}
}

// TestMailNone: without a mail server the hub says so at its start where there are
// webhooks, and only there; settings that do not hold stop the start.
func TestMailNone(t *testing.T) {
	for _, hooks := range []map[string]string{nil, {"hook": newHook(t, nil).URL}} {
		dir := t.TempDir()
		if hubtest.WriteFederation(t, dir); hooks != nil {
			webhookFederation(t, dir, hooks, "")
		}
		core, seen := observer.New(zapcore.WarnLevel)
		a, err := app.New(app.Config{
			Directory: dir, Data: filepath.Join(t.TempDir(), "data"), AllowTemp: true, RemoveEvery: -1,
			Kinds: adapters.Kinds(), Simulators: adapters.Simulators(), Log: zap.New(core),
		})
		must(t, err)
		must(t, a.Start(t.Context()))
		stopApp(t, a)
		if n := seen.FilterMessageSnippet("--mail-server").Len(); n != len(hooks) {
			t.Errorf("%d webhooks: said %d times", len(hooks), n)
		}
	}
	failing(t, app.Config{Directory: story(t), Data: t.TempDir(), Mail: &amtsmail.Config{Server: "mail.example"}}, "--mail-server", "host:port")
}
