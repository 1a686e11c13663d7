package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"sync"
	"time"

	smtp "github.com/wneessen/go-mail"

	"github.com/amtsbote/amtsbote/hub/internal/mail/address"
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// sendTimeout is how long one mail may take, from the connection on.
const sendTimeout = time.Minute

// logins are the ways to log in, by preference; else the library takes another that it
// knows. PLAIN and LOGIN show the password: they go out by TLS, or to loopback.
var logins = []smtp.SMTPAuthType{smtp.SMTPAuthSCRAMSHA256, smtp.SMTPAuthPlain, smtp.SMTPAuthLogin}

// refusedError: the server has answered that it never takes this mail.
type refusedError struct{ error }

// undeliveredError: the server does not take this mail now, others it may.
type undeliveredError struct{ error }

// send hands one letter to the server. A refusedError is final, an undeliveredError
// concerns this letter alone; any other is the server's: away, without the TLS that is
// asked for, or it does not let the hub in. Errors hold steps and numbers of answers, no
// text of the server and no address.
func (s *Server) send(ctx context.Context, l *letter) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	msg, err := s.message(l)
	if err != nil {
		return refusedError{err}
	}
	wire := &wire{server: s}
	defer wire.close()
	defer context.AfterFunc(ctx, wire.close)() // the client hears of ctx only while it dials
	client, err := s.client(wire)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("connect to the mail server: %w", plain(err))
	}
	err = client.Send(msg)
	if msg.IsDelivered() {
		_ = client.Close()
		return nil
	}
	return judge(err)
}

func (s *Server) client(w *wire) (*smtp.Client, error) {
	options := []smtp.Option{
		smtp.WithPort(s.port), smtp.WithTimeout(sendTimeout), smtp.WithTLSConfig(s.tls), smtp.WithDialContextFunc(w.dial),
	}
	switch s.security {
	case StartTLS:
		options = append(options, smtp.WithTLSPolicy(smtp.TLSMandatory))
	case Implicit:
		options = append(options, smtp.WithSSL())
	default:
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
	}
	if s.user != "" {
		password, err := readPassword(s.password)
		if err != nil {
			return nil, err
		}
		options = append(options, smtp.WithOpportunisticSMTPAuth(logins...), smtp.WithUsername(s.user), smtp.WithPassword(password))
	}
	client, err := smtp.NewClient(s.host, options...)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to the mail server: %w", err)
	}
	return client, nil
}

func (s *Server) message(l *letter) (*smtp.Msg, error) {
	m := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	to, err := address.Parse(l.to)
	if err = errors.Join(err, m.From(s.from), m.To(to)); err != nil {
		return nil, errors.New("the contact's address is none")
	}
	m.Subject(l.subject)
	m.SetDateWithValue(l.date)
	m.SetMessageIDWithValue(l.id)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5
	m.SetBodyString(smtp.TypeTextPlain, l.text)
	return m, nil
}

// judge tells what became of a mail that was not taken.
func judge(err error) error {
	one, ok := errors.AsType[*smtp.SendError](err)
	if !ok {
		return fmt.Errorf("send a mail: %w", plain(err))
	}
	code := one.ErrorCode()
	said := fmt.Errorf("%s: answer %d %s", one.Reason, code, one.EnhancedStatusCode())
	switch one.Reason {
	case smtp.ErrSMTPRcptTo, smtp.ErrSMTPData, smtp.ErrSMTPDataClose:
		if code >= 500 {
			return refusedError{said}
		}
		if code >= 400 && code != 421 { // 421: the server as a whole closes
			return undeliveredError{said}
		}
	}
	return said
}

// plain leaves only the number of what a server has said: its text is foreign.
func plain(err error) error {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("answer %d", answer.Code)
	}
	return err
}

// wire is the one connection of a client, which ends with it in any case: the client
// leaves it open when the server does not offer what is asked for.
type wire struct {
	server *Server
	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := w.server.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.conn = conn
	closed := w.closed
	w.mu.Unlock()
	if closed {
		_ = conn.Close()
		return nil, context.Cause(ctx)
	}
	if w.server.security != Implicit {
		return conn, nil
	}
	secured := tls.Client(conn, w.server.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}

func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.conn != nil {
		_ = w.conn.Close()
	}
}
