package mail

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// office is a mail server: go-smtp's.
type office struct {
	smtp.Server
	mu    sync.Mutex
	mails []received
	tries int
	// refuse answers a command (MAIL, RCPT, DATA); nil takes all.
	refuse func(command string) error
	// mechanism of the login that is asked for; "": none.
	mechanism string
	login     string // how the last one logged in
}

// received is a mail that was taken.
type received struct {
	from, to string
	header   netmail.Header
	body     string // with its encoding taken off
	raw      string
}

const user, password = "amtsbote", "geheim"

func newOffice() *office {
	o := &office{}
	o.Server = *smtp.NewServer(o)
	o.Domain, o.ErrorLog = "mail.example", quiet{}
	return o
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// NewSession implements smtp.Backend.
func (o *office) NewSession(*smtp.Conn) (smtp.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tries++
	return &session{office: o, in: o.mechanism == ""}, nil
}

func (o *office) got() []received {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]received{}, o.mails...)
}

// pass asks what the office says to a command.
func (o *office) pass(command string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse == nil {
		return nil
	}
	return o.refuse(command)
}

func (o *office) set(refuse func(string) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse = refuse
}

// listen serves on a free port of loopback, with TLS from the start if implicit.
func (o *office) listen(t *testing.T, implicit bool) (addr string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	if implicit {
		l = wrapTLS(l, o.TLSConfig)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = o.Serve(l) })
	t.Cleanup(func() { _ = o.Close(); wg.Wait() })
	return addr
}

// certified gives the office a certificate for 127.0.0.1, and the file of its authority.
func (o *office) certified(t *testing.T) (ca string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	o.TLSConfig = s.TLS.Clone()
	o.TLSConfig.NextProtos = nil
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return ca
}

type session struct {
	office   *office
	in       bool
	from, to string
}

func (s *session) AuthMechanisms() []string {
	if s.office.mechanism == "" {
		return nil
	}
	return []string{s.office.mechanism}
}

func (s *session) Auth(mechanism string) (sasl.Server, error) {
	check := func(name, word string) error {
		if name != user || word != password {
			return smtp.ErrAuthFailed
		}
		s.in = true
		s.office.mu.Lock()
		defer s.office.mu.Unlock()
		s.office.login = mechanism
		return nil
	}
	if mechanism == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, name, word string) error { return check(name, word) }), nil
}

// loginServer is the server's side of LOGIN, which go-sasl lacks.
type loginServer struct {
	check func(name, word string) error
	name  *string
	asked bool
}

func (l *loginServer) Next(answer []byte) (challenge []byte, done bool, err error) {
	switch {
	case !l.asked:
		l.asked = true
		return []byte("Username:"), false, nil
	case l.name == nil:
		name := string(answer)
		l.name = &name
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(*l.name, string(answer))
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.in {
		return smtp.ErrAuthRequired
	}
	s.from = from
	return s.office.pass("MAIL")
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return s.office.pass("RCPT")
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err == nil {
		err = s.office.pass("DATA")
	}
	if err != nil {
		return err
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	if m.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
		return errors.New("another encoding")
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		return err
	}
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	s.office.mails = append(s.office.mails, received{s.from, s.to, m.Header, strings.ReplaceAll(string(body), "\r\n", "\n"), string(raw)})
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// pipes is a listener in memory, for offices in a bubble of synctest.
type pipes struct {
	conns chan net.Conn
	end   chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), end: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.end:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.end:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.end) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
