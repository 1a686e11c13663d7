package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

func wrapTLS(l net.Listener, c *tls.Config) net.Listener { return tls.NewListener(l, c) }

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func notice(what string) Notice {
	return Notice{
		To: "fach@jugendamt.example", Application: "kreis.jugend", Host: "fachverfahren.kreis.example", Hub: "hub.example",
		What: what, Code: "http-410", Since: noon, At: noon.Add(time.Minute),
	}
}

func lettered(n Notice) *letter {
	return write(&entry{Notice: n, First: n.At, Count: 1}, "amtsbote.example")
}

func passwordFile(t *testing.T, word string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(word+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func opened(t *testing.T, c Config) *Server {
	t.Helper()
	c.From = "amtsbote@amtsbote.example"
	s, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSend: by STARTTLS, by implicit TLS and plain on loopback, with and without login,
// the mail arrives; the way is the one that was configured.
func TestSend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ security, mechanism string }{
		"starttls":       {StartTLS, ""},
		"starttls plain": {StartTLS, "PLAIN"},
		"starttls login": {StartTLS, "LOGIN"},
		"implicit plain": {Implicit, "PLAIN"},
		"implicit login": {Implicit, "LOGIN"},
		"none":           {None, ""},
		"none plain":     {None, "PLAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice()
			o.mechanism, o.AllowInsecureAuth = tc.mechanism, tc.security == None
			cfg := Config{TLS: tc.security}
			if tc.security != None {
				cfg.CA = o.certified(t)
			}
			if tc.mechanism != "" {
				cfg.User, cfg.PasswordFile = user, passwordFile(t, password)
			}
			cfg.Server = o.listen(t, tc.security == Implicit)
			if err := opened(t, cfg).send(t.Context(), lettered(notice("gone"))); err != nil {
				t.Fatal(err)
			}
			mails := o.got()
			o.mu.Lock()
			login := o.login
			o.mu.Unlock()
			if len(mails) != 1 || login != tc.mechanism {
				t.Fatalf("%d mails, login %q", len(mails), login)
			}
			arrived(t, &mails[0])
		})
	}
}

// arrived checks a mail on "gone".
func arrived(t *testing.T, m *received) {
	t.Helper()
	if m.from != "amtsbote@amtsbote.example" || m.to != "fach@jugendamt.example" {
		t.Errorf("from %s to %s", m.from, m.to)
	}
	for name, want := range map[string]string{
		"From": "<amtsbote@amtsbote.example>", "To": "<fach@jugendamt.example>", "Auto-Submitted": "auto-generated",
		"Subject": "[Amtsbote] kreis.jugend: angehalten (410) / halted (410)", "Date": "Sat, 28 Nov 2026 12:01:00 +0000",
		"Content-Type": "text/plain; charset=UTF-8",
	} {
		if got := m.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if id := m.header.Get("Message-ID"); !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, "@amtsbote.example>") {
		t.Errorf("Message-ID %q", id)
	}
	for _, want := range []string{
		"Fachverfahren: kreis.jugend\n", "Application: kreis.jugend\n", "Rechner des Webhooks: fachverfahren.kreis.example\n", "Amtsbote: hub.example\n",
		"Der Empfänger hat mit 410 (Gone) geantwortet.", "The receiver has answered 410 (Gone).", "Code: http-410\n",
		"Seit: 2026-11-28 12:00:00 UTC\n", "Since: 2026-11-28 12:00:00 UTC\n", "amtsbote webhook resume kreis.jugend",
	} {
		if !strings.Contains(m.body, want) {
			t.Errorf("the text lacks %q:\n%s", want, m.body)
		}
	}
}

// TestSendRefused: what the server lacks or answers, and whose matter that is.
func TestSendRefused(t *testing.T) {
	t.Parallel()
	answers := func(at string, code int) func(*testing.T, *office, *Config) {
		return func(_ *testing.T, o *office, _ *Config) {
			o.refuse = func(command string) error {
				if command != at {
					return nil
				}
				return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "fach@jugendamt.example is secret"}
			}
		}
	}
	for name, tc := range map[string]struct {
		setup func(*testing.T, *office, *Config)
		want  string // refused, undelivered, server
		says  string
	}{
		"no STARTTLS": {func(_ *testing.T, _ *office, c *Config) { c.TLS = StartTLS }, "server", "STARTTLS"},
		"unknown authority": {func(t *testing.T, o *office, c *Config) {
			o.certified(t)
			c.TLS = StartTLS
		}, "server", "certificate"},
		"no login there": {func(t *testing.T, _ *office, c *Config) {
			c.User, c.PasswordFile = user, passwordFile(t, password)
		}, "server", "AUTH"},
		"wrong password": {func(t *testing.T, o *office, c *Config) {
			o.mechanism, o.AllowInsecureAuth = "PLAIN", true
			c.User, c.PasswordFile = user, passwordFile(t, "falsch")
		}, "server", "answer 535"},
		"login needed": {func(_ *testing.T, o *office, _ *Config) { o.mechanism, o.AllowInsecureAuth = "PLAIN", true }, "server", "answer 502"},
		"MAIL 550":     {answers("MAIL", 550), "server", "answer 550 5.1.1"},
		"MAIL 451":     {answers("MAIL", 451), "server", "answer 451 4.1.1"},
		"RCPT 550":     {answers("RCPT", 550), "refused", "answer 550 5.1.1"},
		"RCPT 450":     {answers("RCPT", 450), "undelivered", "answer 450 4.1.1"},
		"RCPT 421":     {answers("RCPT", 421), "server", "answer 421"},
		"DATA 554":     {answers("DATA", 554), "refused", "answer 554 5.1.1"},
		"DATA 452":     {answers("DATA", 452), "undelivered", "answer 452 4.1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, cfg := newOffice(), Config{}
			tc.setup(t, o, &cfg)
			cfg.Server = o.listen(t, false)
			err := opened(t, cfg).send(t.Context(), lettered(notice("gone")))
			if err == nil {
				t.Fatal("sent")
			}
			if got := whose(err); got != tc.want || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v; want %s: %s", got, err, tc.want, tc.says)
			}
			for _, secret := range []string{"fach@", password, "falsch"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells %s: %v", secret, err)
				}
			}
			if len(o.got()) != 0 {
				t.Error("a mail arrived")
			}
		})
	}
}

func whose(err error) string {
	if _, ok := errors.AsType[refusedError](err); ok {
		return "refused"
	}
	if _, ok := errors.AsType[undeliveredError](err); ok {
		return "undelivered"
	}
	return "server"
}

// TestSendEnds: a server that never answers keeps nobody beyond the end of the context.
func TestSendEnds(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if c, err := l.Accept(); err == nil {
			cancel()
			defer func() { _ = c.Close() }()
			_, _ = c.Read(make([]byte, 1)) // until the other side closes
		}
	}()
	if err := opened(t, Config{Server: l.Addr().String()}).send(ctx, lettered(notice("gone"))); err == nil {
		t.Error("sent")
	}
}

// TestOpen: each setting that does not hold is named, before anything runs.
func TestOpen(t *testing.T) {
	t.Parallel()
	word, none := passwordFile(t, password), passwordFile(t, "")
	good := Config{Server: "mail.example.de:587", From: "Amtsbote <amtsbote@example.de>"}
	for says, change := range map[string]func(*Config){
		"":                                     func(*Config) {},
		"give --mail-server":                   func(c *Config) { c.Server = "" },
		`--mail-server "mail.example.de"`:      func(c *Config) { c.Server = "mail.example.de" },
		`--mail-server "mail.example.de:0"`:    func(c *Config) { c.Server = "mail.example.de:0" },
		`--mail-server ":587"`:                 func(c *Config) { c.Server = ":587" },
		`--mail-from ""`:                       func(c *Config) { c.From = "" },
		`--mail-from "Amtsbote"`:               func(c *Config) { c.From = "Amtsbote" },
		`--mail-from "a@b.de\nBcc: c@d.de"`:    func(c *Config) { c.From = "a@b.de\nBcc: c@d.de" },
		"--mail-user and --mail-password-file": func(c *Config) { c.User = user },
		"--mail-password-file belong together": func(c *Config) { c.PasswordFile = word },
		"--mail-password-file: open":           func(c *Config) { c.User, c.PasswordFile = user, word+"x" },
		"does not hold a password alone":       func(c *Config) { c.User, c.PasswordFile = user, none },
		"--mail-tls none is for a server on":   func(c *Config) { c.TLS = None },
		`--mail-tls "ssl": starttls, implicit`: func(c *Config) { c.TLS = "ssl" },
		"--mail-ca: open":                      func(c *Config) { c.CA = word + "x" },
		"holds no certificate":                 func(c *Config) { c.CA = word },
	} {
		c := good
		change(&c)
		_, err := c.Open()
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v", says, err)
		}
	}
	for server, want := range map[string]string{"127.0.0.1:25": None, "[::1]:25": None, "localhost:25": None, "192.0.2.1:25": StartTLS, "mail.example:25": StartTLS} {
		if s := opened(t, Config{Server: server}); s.security != want {
			t.Errorf("%s: %s, want %s", server, s.security, want)
		}
	}
}
