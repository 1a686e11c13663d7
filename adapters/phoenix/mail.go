package phoenix

import (
	"errors"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

type mailSettings struct {
	Notices `yaml:",inline"`

	Server     string   `yaml:"server"`
	Sicherheit string   `yaml:"sicherheit"`
	CA         string   `yaml:"ca"`
	Benutzer   string   `yaml:"benutzer"`
	Passwort   string   `yaml:"passwort"` // file
	Von        string   `yaml:"von"`
	An         []string `yaml:"an"`
}

// How a connection to the mail server is protected (setting sicherheit).
const (
	startTLS = "starttls" // RFC 3207; a server that does not offer it gets nothing
	implicit = "tls"      // RFC 8314, usually port 465
	open     = "keine"    // to this machine only
)

// Mail is the kind "mail".
func Mail() hub.Kind {
	return hub.Kind{
		Name: "mail", Title: "Hinweise per E-Mail an Funktionspostfächer (openDesk: OX App Suite)",
		Sink: func(env hub.Env, s hub.Settings) (hub.Sink, error) {
			set, err := decodeMail(env, s)
			if err != nil {
				return nil, err
			}
			set.Passwort = under(env.Federation, set.Passwort)
			if err := readable(s, map[string]string{"passwort": set.Passwort}); err != nil {
				return nil, err
			}
			conf, err := tlsConfig(under(env.Federation, set.CA))
			if err != nil {
				return nil, s.Errorf("ca", "%w", err)
			}
			host, port, _ := splitServer(set.Server)
			conf.ServerName = host
			return newSink(env, set.Notices, &mailer{set: set, host: host, port: port, tls: conf, dial: (&net.Dialer{}).DialContext})
		},
		Check: func(env hub.Env, s hub.Settings) ([]hub.Event, error) {
			_, err := decodeMail(env, s)
			return nil, err
		},
	}
}

// addressForm is a dot-atom and a host name (RFC 5321, 4.1.2) in ASCII: it can end no
// line and open no second address.
var addressForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*" +
	"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")

func goodAddress(a string) bool {
	local, _, _ := strings.Cut(a, "@")
	return len(a) <= 254 && len(local) <= 64 && addressForm.MatchString(a)
}

func splitServer(server string) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(server)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(service)
	if err != nil || host == "" || port < 1 || port > 65535 {
		return "", 0, errors.New("no host and port")
	}
	return host, port, nil
}

func decodeMail(env hub.Env, s hub.Settings) (mailSettings, error) {
	set := mailSettings{Notices: noticeDefaults(), Sicherheit: startTLS}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	errs := []error{set.check(env, s)}
	bad := func(wrong bool, key, format string, args ...any) {
		if wrong {
			errs = append(errs, s.Errorf(key, format, args...))
		}
	}
	host, _, err := splitServer(set.Server)
	bad(err != nil, "server", "must be host:port, like mail.example.org:587")
	bad(set.Sicherheit != startTLS && set.Sicherheit != implicit && set.Sicherheit != open, "sicherheit", "must be %s, %s or %s", startTLS, implicit, open)
	bad(set.Sicherheit == open && err == nil && !loopback(host), "sicherheit", "%s is for a server on this machine only: %s or %s", open, startTLS, implicit)
	bad((set.Benutzer == "") != (set.Passwort == ""), "passwort", "benutzer and passwort go together")
	bad(set.Benutzer != oneLine(set.Benutzer, 200), "benutzer", "must be one line")
	bad(!goodAddress(set.Von), "von", "must be one e-mail address, like amtsbote@example.org")
	bad(len(set.An) == 0 || len(set.An) > maxTargets, "an", "must be 1 to %d addresses", maxTargets)
	for _, to := range set.An {
		bad(!goodAddress(to), "an", "must be e-mail addresses, like kfz@example.org")
	}
	return set, errors.Join(errs...)
}
