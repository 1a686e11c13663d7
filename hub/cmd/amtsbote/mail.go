package main

import (
	"github.com/spf13/pflag"

	"github.com/amtsbote/amtsbote/hub/internal/mail"
)

// mailFlags say how the contacts of webhooks are told by mail.
type mailFlags mail.Config

func (f *mailFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.Server, "mail-server", env("MAIL_SERVER", ""), "mail server (SMTP) that tells contacts of webhooks, like mail.example.de:587 (default: none, the log tells)")
	fl.StringVar(&f.From, "mail-from", env("MAIL_FROM", ""), "e-mail address that its mail comes from")
	fl.StringVar(&f.User, "mail-user", env("MAIL_USER", ""), "user name to log in there")
	fl.StringVar(&f.PasswordFile, "mail-password-file", env("MAIL_PASSWORD_FILE", ""), "file with its password; read for each mail")
	fl.StringVar(&f.TLS, "mail-tls", env("MAIL_TLS", ""), "starttls, implicit (usually port 465) or none (on loopback only); default starttls, on loopback none")
	fl.StringVar(&f.CA, "mail-ca", env("MAIL_CA", ""), "authorities (PEM) to believe of the mail server instead of the system's")
}

// config is nil when no mail is to be sent.
func (f *mailFlags) config() *mail.Config {
	if *f == (mailFlags{}) {
		return nil
	}
	return (*mail.Config)(f)
}
