package phoenix_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/phoenix"
	"github.com/amtsbote/amtsbote/hub"
)

// office is a mail server: go-smtp's.
type office struct {
	*smtp.Server
	addr, dir string
	mu        sync.Mutex
	mails     []taken
	refuse    map[string]error // by command: MAIL, RCPT, DATA
	down      bool
	logins    int
	plain     int // sessions that were not protected
}

// taken is a mail that was taken.
type taken struct{ to, raw string }

// newOffice listens with TLS by STARTTLS, from the start, or without.
func newOffice(t testing.TB, security string) *office {
	t.Helper()
	o := &office{dir: t.TempDir(), refuse: map[string]error{}}
	o.Server = smtp.NewServer(o)
	o.Domain, o.ErrorLog = "mail.example", quiet{}
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	write(t, o.dir, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})))
	write(t, o.dir, "passwort", password)
	conf := web.TLS.Clone()
	conf.NextProtos = nil
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = l.Addr().String()
	switch security {
	case "starttls":
		o.TLSConfig = conf
	case "tls":
		l = tls.NewListener(l, conf)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = o.Serve(l) })
	t.Cleanup(func() { _ = o.Close(); wg.Wait() })
	return o
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (o *office) NewSession(c *smtp.Conn) (smtp.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return nil, &smtp.SMTPError{Code: 421, Message: "Zaunkönig ist weg"}
	}
	if _, protected := c.TLSConnectionState(); !protected {
		o.plain++
	}
	return &session{office: o}, nil
}

func (o *office) set(command string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse[command] = err
}

func (o *office) got() []taken {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]taken{}, o.mails...)
}

type session struct {
	office *office
	in     bool
	to     string
}

func (s *session) pass(command string) error {
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	if !s.in {
		return smtp.ErrAuthRequired
	}
	return s.office.refuse[command]
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, word string) error {
		if user != "bote" || word != password {
			return smtp.ErrAuthFailed
		}
		s.in = true
		s.office.mu.Lock()
		defer s.office.mu.Unlock()
		s.office.logins++
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error { return s.pass("MAIL") }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return s.pass("RCPT")
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err := errors.Join(err, s.pass("DATA")); err != nil {
		return s.pass("DATA")
	}
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.mails = append(s.office.mails, taken{s.to, string(raw)})
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (o *office) open(further string) (hub.Sink, error) {
	return phoenix.Mail().Sink(env(o.dir), adaptertest.Settings(fmt.Sprintf(
		"{server: '%s', ca: ca.pem, von: amtsbote@example.org, benutzer: bote, passwort: passwort%s}", o.addr, further)))
}

func (o *office) sink(t testing.TB, further string) hub.Sink {
	t.Helper()
	s, err := o.open(further)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const toKfz = ", an: [kfz@example.org]"

func TestMailSink(t *testing.T) { // alone: it looks for goroutines that are left
	adaptertest.Sink(t, adaptertest.SinkCase{New: func(t testing.TB) adaptertest.Destination {
		o := newOffice(t, "starttls")
		set := func(down bool) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.down = down
		}
		return adaptertest.Destination{
			Sink: func() (hub.Sink, error) { return o.open(toKfz) }, Event: happened, Unmappable: broken(),
			Down: func() (func() error, error) { set(true); return func() error { set(false); return nil }, nil },
			Effects: func() (all []string, err error) {
				for _, m := range o.got() {
					all = append(all, m.raw)
				}
				return all, nil
			},
		}
	}})
}

func read(t testing.TB, raw string) (netmail.Header, string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("%v: %q", err, raw)
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	return m.Header, string(body)
}

// Each function mailbox gets a mail of its own, whose Message-ID is the same again.
func TestMailNotice(t *testing.T) {
	t.Parallel()
	for _, security := range []string{"starttls", "tls"} {
		o := newOffice(t, security)
		to := ", an: [kfz@example.org, leitung@example.org], sprache: de+en, sicherheit: " + security
		if err := o.sink(t, to).Deliver(t.Context(), delivery(1)); err != nil {
			t.Fatal(err)
		}
		if err := o.sink(t, to+", dir: anders").Deliver(t.Context(), delivery(1)); err != nil { // its memory is lost
			t.Fatal(err)
		}
		all := o.got()
		if len(all) != 4 || o.logins != 4 {
			t.Fatalf("%d mails, %d logins", len(all), o.logins)
		}
		ids := map[string]int{}
		for _, m := range all {
			h, body := read(t, m.raw)
			ids[h.Get("Message-Id")]++
			subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
			if err != nil || subject != "Amtsbote: wohnung angemeldet (meldewesen)" || h.Get("Auto-Submitted") != "auto-generated" ||
				!strings.HasSuffix(h.Get("Message-Id"), "@example.org>") || h.Get("To") != "<"+m.to+">" {
				t.Errorf("%v, %q, %v", h, subject, err)
			}
			if !strings.Contains(body, "Ein Vorgang wartet") || !strings.Contains(body, "A case is waiting") {
				t.Error(body)
			}
			holdsNobody(t, m.raw)
		}
		if len(ids) != 2 {
			t.Error(ids)
		}
	}
}

func TestMailFaults(t *testing.T) {
	t.Parallel()
	said := func(code int, enhanced smtp.EnhancedCode) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "Zaunkönig kfz@example.org"}
	}
	for _, c := range []struct {
		command   string
		status    int
		enhanced  smtp.EnhancedCode
		code      string
		permanent bool
	}{
		{"MAIL", 550, smtp.EnhancedCode{}, "server-error", false},
		{"MAIL", 451, smtp.EnhancedCode{}, "server-error", false},
		{"RCPT", 550, smtp.EnhancedCode{}, "recipient-refused", false},
		{"RCPT", 450, smtp.EnhancedCode{}, "server-error", false},
		{"DATA", 451, smtp.EnhancedCode{}, "server-error", false},
		{"DATA", 554, smtp.EnhancedCode{}, "server-error", false},
		{"DATA", 554, smtp.EnhancedCode{5, 7, 1}, "server-error", false},
		{"DATA", 554, smtp.EnhancedCode{5, 6, 0}, "refused", true},
		{"DATA", 552, smtp.EnhancedCode{5, 3, 4}, "refused", true},
	} {
		o := newOffice(t, "starttls")
		s := o.sink(t, toKfz)
		o.set(c.command, said(c.status, c.enhanced))
		f := hub.FaultOf(s.Deliver(t.Context(), delivery(1)))
		if f == nil || f.Code != c.code || f.Permanent != c.permanent || strings.Contains(f.Error(), "Zaunk") || strings.Contains(f.Error(), "kfz") {
			t.Errorf("%s %d: %v", c.command, c.status, f)
		}
		o.set(c.command, nil)
		if err := s.Deliver(t.Context(), delivery(1)); err != nil || len(o.got()) != 1 {
			t.Errorf("%s %d: afterwards %v", c.command, c.status, err)
		}
	}
}

// Nothing is sent to a server that is not who it should be, or does not protect what
// it is told, and no password is shown to it.
func TestMailProtection(t *testing.T) {
	t.Parallel()
	plain := newOffice(t, "keine")
	if f := hub.FaultOf(plain.sink(t, toKfz).Deliver(t.Context(), delivery(1))); f == nil || f.Permanent || !strings.Contains(f.Error(), "STARTTLS") || len(plain.got()) != 0 || plain.logins != 0 {
		t.Errorf("a server without STARTTLS: %v", f)
	}
	stranger := newOffice(t, "starttls")
	s, err := phoenix.Mail().Sink(env(stranger.dir), adaptertest.Settings(
		"{server: '"+stranger.addr+"', von: amtsbote@example.org, benutzer: bote, passwort: passwort"+toKfz+"}"))
	if err != nil {
		t.Fatal(err)
	}
	if f := hub.FaultOf(s.Deliver(t.Context(), delivery(1))); f == nil || f.Code != "untrusted" || f.Permanent || stranger.logins != 0 {
		t.Errorf("a stranger: %v", f)
	}
	o := newOffice(t, "starttls")
	write(t, o.dir, "passwort", "falsch")
	if f := hub.FaultOf(o.sink(t, toKfz).Deliver(t.Context(), delivery(1))); f == nil || f.Code != "unauthorised" || f.Permanent || strings.Contains(f.Error(), "falsch") {
		t.Errorf("a wrong password: %v", f)
	}
}

// A server that takes the connection and says nothing costs the time that is allowed.
func TestMailSilence(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	o := &office{addr: l.Addr().String(), dir: t.TempDir()}
	write(t, o.dir, "passwort", password)
	s, err := phoenix.Mail().Sink(env(o.dir), adaptertest.Settings(
		"{server: '"+o.addr+"', von: amtsbote@example.org, benutzer: bote, passwort: passwort, frist: 100ms"+toKfz+"}"))
	if err != nil {
		t.Fatal(err)
	}
	if f := hub.FaultOf(s.Deliver(t.Context(), delivery(1))); f == nil || f.Permanent || strings.Contains(f.Error(), o.addr) {
		t.Error(f)
	}
}
