package phoenix

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"sync"

	smtp "github.com/wneessen/go-mail"

	"github.com/amtsbote/amtsbote/hub"
)

// mailer sends mails, one connection each.
type mailer struct {
	set  mailSettings
	host string
	port int
	tls  *tls.Config
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

var _ channel = (*mailer)(nil)

// logins are the ways to log in, by preference. PLAIN and LOGIN show the password: they
// go out by TLS, or to this machine.
var logins = []smtp.SMTPAuthType{smtp.SMTPAuthSCRAMSHA256, smtp.SMTPAuthPlain, smtp.SMTPAuthLogin}

func (m *mailer) targets() []string { return m.set.An }

// send hands one mail to the server. A repetition has the same Message-ID, by which
// mail systems recognise it, or do not.
func (m *mailer) send(ctx context.Context, to string, n message) error {
	ctx, cancel := context.WithTimeout(ctx, m.set.Frist)
	defer cancel()
	msg, err := m.write(to, n)
	if err != nil {
		return err
	}
	wire := &wire{dialer: m.dial, tls: m.tls, implicit: m.set.Sicherheit == implicit}
	defer wire.close()
	defer context.AfterFunc(ctx, wire.close)() // the client hears of ctx only while it dials
	client, err := m.client(wire)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return dialFault(err)
	}
	err = client.Send(msg)
	if msg.IsDelivered() {
		_ = client.Close()
		return nil
	}
	return mailFault(err)
}

// write makes the mail. Its headers are ours alone: the texts come encoded.
func (m *mailer) write(to string, n message) (*smtp.Msg, error) {
	msg := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(m.set.Von), msg.To(to)); err != nil {
		return nil, hub.Permanent("unmappable", "an address is none")
	}
	_, domain, _ := strings.Cut(m.set.Von, "@")
	msg.Subject(oneLine(n.Subject, 2*maxSubject+3))
	msg.SetDate()
	msg.SetMessageIDWithValue(digest(n.ID, to) + "@" + domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5
	msg.SetBodyString(smtp.TypeTextPlain, strings.ReplaceAll(n.Text, "\r", " ")+"\n")
	return msg, nil
}

func (m *mailer) client(w *wire) (*smtp.Client, error) {
	options := []smtp.Option{
		smtp.WithPort(m.port), smtp.WithTimeout(m.set.Frist), smtp.WithTLSConfig(m.tls), smtp.WithDialContextFunc(w.dial),
	}
	switch m.set.Sicherheit {
	case startTLS:
		options = append(options, smtp.WithTLSPolicy(smtp.TLSMandatory))
	case implicit:
		options = append(options, smtp.WithSSL())
	default:
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
	}
	if m.set.Benutzer != "" {
		password, err := secret(m.set.Passwort)
		if err != nil {
			return nil, hub.Retryable("unauthorised", "password: %w", err)
		}
		options = append(options, smtp.WithOpportunisticSMTPAuth(logins...), smtp.WithUsername(m.set.Benutzer), smtp.WithPassword(password))
	}
	client, err := smtp.NewClient(m.host, options...)
	if err != nil {
		return nil, hub.Retryable("settings", "set up the connection to the mail server: %w", err)
	}
	return client, nil
}

// dialFault judges why no session came about; what a server says is reduced to its
// number: its text is foreign.
func dialFault(err error) error {
	if said, ok := errors.AsType[*textproto.Error](err); ok {
		code := "server-error"
		if said.Code == 535 || said.Code == 530 || said.Code == 534 {
			code = "unauthorised"
		}
		return hub.Retryable(code, "connect to the mail server: answer %d", said.Code)
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return hub.Retryable("untrusted", "the mail server's certificate is not trusted (setting ca): %s", untrusted(bad.Err))
	}
	return hub.Retryable("unreachable", "connect to the mail server: %s", mailCause(err))
}

// mailCause says it in words of ours.
func mailCause(err error) string {
	switch {
	case strings.Contains(err.Error(), "does not support STARTTLS"): // the library has no value for it
		return "it does not offer STARTTLS (setting sicherheit)"
	case errors.Is(err, smtp.ErrNoSupportedAuthDiscovered):
		return "it offers no way to log in that is known here"
	}
	return cause(err)
}

// ofContent holds for codes that find fault with the mail itself (RFC 3463, 3.7; 5.3.4 is
// a mail that is too large). Without such a code it may be a filter, a quota, a policy.
func ofContent(code string) bool { return strings.HasPrefix(code, "5.6.") || code == "5.3.4" }

// mailFault judges a mail that was not taken. Only a refusal of its content is final:
// who may send, and to whom, is the operator's matter.
func mailFault(err error) error {
	one, ok := errors.AsType[*smtp.SendError](err)
	if !ok {
		return dialFault(err)
	}
	code := one.ErrorCode()
	said := fmt.Errorf("send a mail: %s: answer %d %s", one.Reason, code, one.EnhancedStatusCode())
	switch {
	case one.Reason == smtp.ErrSMTPRcptTo && code >= 500:
		return hub.Retryable("recipient-refused", "%w", said)
	case (one.Reason == smtp.ErrSMTPData || one.Reason == smtp.ErrSMTPDataClose) && code >= 500 && ofContent(one.EnhancedStatusCode()):
		return hub.Permanent("refused", "%w", said)
	}
	return hub.Retryable("server-error", "%w", said)
}

// wire is the one connection of a client, which ends with it in any case: the client
// leaves it open when the server does not offer what is asked for.
type wire struct {
	dialer   func(ctx context.Context, network, addr string) (net.Conn, error)
	tls      *tls.Config
	implicit bool

	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := w.dialer(ctx, network, addr)
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
	if !w.implicit {
		return conn, nil
	}
	secured := tls.Client(conn, w.tls)
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
