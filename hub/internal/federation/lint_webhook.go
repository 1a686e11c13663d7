package federation

import (
	"errors"
	"regexp"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/egress"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	mailaddress "github.com/amtsbote/amtsbote/hub/internal/mail/address"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

type webhookFile struct {
	URL     strictyaml.Text                  `yaml:"url,required"`
	Format  strictyaml.Text                  `yaml:"format"`
	Rate    strictyaml.Whole                 `yaml:"rate"`
	Timeout strictyaml.Text                  `yaml:"timeout"`
	Secret  strictyaml.OneOrMany[secretFile] `yaml:"secret"`
	OAuth2  *oauth2File                      `yaml:"oauth2"`
	TLS     *tlsFile                         `yaml:"tls"`
	Allow   []strictyaml.Text                `yaml:"allow"`
	Contact strictyaml.Text                  `yaml:"contact,required"`
	at      finding.Pos
}

// FromNode notes where it stands.
func (w *webhookFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	type plain webhookFile
	d.Fields(n, (*plain)(w))
	w.at = n.At
}

type secretFile struct {
	File strictyaml.Text `yaml:"file"`
	Env  strictyaml.Text `yaml:"env"`
	at   finding.Pos
}

// FromNode notes where it stands.
func (s *secretFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	type plain secretFile
	d.Fields(n, (*plain)(s))
	s.at = n.At
}

type oauth2File struct {
	TokenURL strictyaml.Text `yaml:"token-url,required"`
	ClientID strictyaml.Text `yaml:"client-id,required"`
	Secret   secretFile      `yaml:"secret,required"`
	Scope    strictyaml.Text `yaml:"scope"`
}

type tlsFile struct {
	Certificate strictyaml.Text `yaml:"certificate"`
	Key         strictyaml.Text `yaml:"key"`
	CA          strictyaml.Text `yaml:"ca"`
}

// webhook checks and takes over how a mailbox is emptied by webhook.
func (b *builder) webhook(o *Organisation, in *mailboxFile) *Webhook {
	w := in.Webhook
	switch is := MailboxMode(in.Mode.Value) == ModeWebhook; {
	case is && w == nil:
		b.Add(in.Mode.At, finding.WhkMode)
		return nil
	case w == nil:
		return nil
	case !is:
		b.Add(w.at, finding.WhkMode)
		return nil
	}
	out := &Webhook{
		Format: FormatStructured, Rate: DefaultWebhookRate, Timeout: DefaultWebhookTimeout,
		Contact: w.Contact.Value, Origin: b.fed.Origin,
	}
	if b.fed.Origin == "" {
		b.Add(w.URL.At, finding.WhkOrigin)
	}
	guard := b.webhookGuard(out, w)
	out.URL = b.webhookURL(guard, w.URL)
	out.Mail = b.contact(w.Contact)
	b.webhookPace(out, w)
	for _, s := range w.Secret {
		out.Secrets = append(out.Secrets, b.secret(o, s))
	}
	b.webhookIdentity(o, out, w, guard)
	if len(out.Secrets) == 0 && out.OAuth2 == nil && out.Certificate == "" {
		b.Add(w.URL.At, finding.WhkUnsigned)
	}
	return out.signed()
}

// contact gives the e-mail address of who is told; "" when there is none.
func (b *builder) contact(in strictyaml.Text) string {
	mail, err := mailaddress.Parse(in.Value)
	switch {
	case in.Value == "": // is required, and that was said
	case errors.Is(err, mailaddress.ErrNone):
		b.Add(in.At, finding.WhkNoMail)
	case err != nil:
		b.Add(in.At, finding.WhkMail)
	}
	return mail
}

func (b *builder) webhookGuard(out *Webhook, in *webhookFile) *egress.Guard {
	for _, one := range in.Allow {
		allow, err := egress.ParseAllow([]string{one.Value})
		switch {
		case err != nil:
			b.Add(one.At, finding.YAMLValue, "host | host:8443 | 10.1.0.0/16 | http://host:8080")
			continue
		case allow.Plain() && b.fed.Production:
			b.Add(one.At, finding.WhkPlain)
		}
		out.Allow = append(out.Allow, one.Value)
	}
	return out.Guard()
}

func (b *builder) webhookURL(guard *egress.Guard, in strictyaml.Text) string {
	if in.Value == "" {
		return ""
	}
	u, err := guard.URL(in.Value)
	if err != nil {
		b.Add(in.At, finding.WhkURL, urlReason(err))
		return ""
	}
	return u.String()
}

// urlReason never holds the URL: it may hold a secret.
func urlReason(err error) finding.Message {
	for is, says := range map[error]finding.Message{
		egress.ErrURL:      {De: "keine absolute URL", En: "no absolute URL"},
		egress.ErrScheme:   {De: "nicht https", En: "not https"},
		egress.ErrUserinfo: {De: "Benutzername oder Passwort in der URL", En: "a user name or password in the URL"},
		egress.ErrFragment: {De: "ein Fragment (#) in der URL", En: "a fragment (#) in the URL"},
		egress.ErrToken:    {De: "access_token in der URL: es stünde in Protokollen", En: "access_token in the URL: it would stand in logs"},
		egress.ErrHost:     {De: "kein Rechnername", En: "no host name"},
		egress.ErrPort:     {De: "ein anderer Port als 443, der nicht in allow steht", En: "another port than 443 that is not in allow"},
		egress.ErrLocal:    {De: "eine Adresse, die nicht öffentlich ist und nicht in allow steht", En: "an address that is not public and not in allow"},
	} {
		if errors.Is(err, is) {
			return says
		}
	}
	return finding.Message{De: "ungültig", En: "invalid"}
}

func (b *builder) webhookPace(out *Webhook, in *webhookFile) {
	switch f := WebhookFormat(in.Format.Value); f {
	case FormatStructured, FormatBinary, FormatBatch:
		out.Format = f
	case "":
	default:
		b.Add(in.Format.At, finding.YAMLValue, "structured | binary | batch")
	}
	if in.Rate.At.Line > 0 {
		if out.Rate = int(in.Rate.Value); in.Rate.Value < 1 || in.Rate.Value > 100_000 {
			b.Add(in.Rate.At, finding.YAMLValue, "1 … 100000")
		}
	}
	if in.Timeout.Value == "" {
		return
	}
	var err error
	if out.Timeout, err = time.ParseDuration(in.Timeout.Value); err != nil || out.Timeout < time.Second || out.Timeout > 5*time.Minute {
		b.Add(in.Timeout.At, finding.YAMLValue, "1s … 5m")
	}
}

// webhookIdentity is what tells the receiver who sends.
func (b *builder) webhookIdentity(o *Organisation, out *Webhook, in *webhookFile, guard *egress.Guard) {
	if in.OAuth2 != nil {
		out.OAuth2 = &OAuth2{
			TokenURL: b.webhookURL(guard, in.OAuth2.TokenURL), ClientID: in.OAuth2.ClientID.Value,
			Scope: in.OAuth2.Scope.Value,
		}
		if in.OAuth2.Secret.at.Line > 0 {
			out.OAuth2.Secret = b.secret(o, in.OAuth2.Secret)
		}
	}
	if in.TLS == nil {
		return
	}
	for _, f := range []strictyaml.Text{in.TLS.Certificate, in.TLS.Key, in.TLS.CA} {
		if f.Value != "" && !o.secretFile(f.Value) {
			b.notItsSecret(o, f.At)
		}
	}
	if c, k := in.TLS.Certificate, in.TLS.Key; (c.Value == "") != (k.Value == "") {
		b.Add(in.at, finding.YAMLValue, "tls: {certificate, key}")
	}
	out.Certificate, out.Key, out.CA = in.TLS.Certificate.Value, in.TLS.Key.Value, in.TLS.CA.Value
}

var originPattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (b *builder) origin(in strictyaml.Text) {
	if in.Value != "" && (len(in.Value) > 253 || !originPattern.MatchString(in.Value)) {
		b.Add(in.At, finding.YAMLValue, "hub.example.de")
	}
	b.fed.Origin = in.Value
}
