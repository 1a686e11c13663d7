package phoenix

import (
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/amtsbote/amtsbote/hub"
)

// Notices are the settings that all kinds of notices share; README.md explains them.
type Notices struct {
	Dir     string           `yaml:"dir"`
	Sprache string           `yaml:"sprache"`
	Name    string           `yaml:"name"`
	Konsole string           `yaml:"konsole"`
	Vorgang string           `yaml:"vorgang"`
	Titel   map[string]Titel `yaml:"titel"`
	Texte   map[string]Texte `yaml:"texte"`
	Sammeln time.Duration    `yaml:"sammeln"`
	Frist   time.Duration    `yaml:"frist"`
	Merken  time.Duration    `yaml:"merken"`
}

// Bounds of settings.
const (
	maxTargets  = 50
	minMemory   = 24 * time.Hour
	maxGather   = 24 * time.Hour
	longestName = 60
)

func noticeDefaults() Notices {
	return Notices{Sprache: german, Name: "Amtsbote", Frist: 30 * time.Second, Merken: 30 * 24 * time.Hour}
}

// check judges the settings and reads no file. The error joins all that is wrong.
func (n *Notices) check(env hub.Env, s hub.Settings) error {
	var errs []error
	bad := func(wrong bool, key, format string, args ...any) {
		if wrong {
			errs = append(errs, s.Errorf(key, format, args...))
		}
	}
	bad(n.Sprache != german && n.Sprache != english && n.Sprache != both, "sprache", "must be %s, %s or %s", german, english, both)
	bad(n.Name == "" || n.Name != oneLine(n.Name, longestName), "name", "must be one line of at most %d characters", longestName)
	bad(n.Konsole != "" && !goodURL(n.Konsole, env.Production), "konsole", "must be https://host[/path] without user, query or fragment (http: to this machine, or in a test federation)")
	bad(n.Vorgang != "" && n.Konsole == "", "vorgang", "needs konsole")
	if n.Vorgang != "" {
		if text := wrongPlaceholders(n.Vorgang, []string{phReference}); text != "" {
			errs = append(errs, s.Errorf("vorgang", "%s", text))
		}
	}
	bad(n.Sammeln < 0 || n.Sammeln > maxGather, "sammeln", "must be 0 to %s", maxGather)
	bad(n.Frist <= 0, "frist", "must be longer than 0")
	bad(n.Merken < minMemory, "merken", "must be at least %s", minMemory)
	errs = append(errs, checkTitles(n.Titel, s), checkTexts(n.Texte, s))
	return errors.Join(errs...)
}

// dir is the folder of an adapter's memory.
func dir(env hub.Env, given string) string {
	if given == "" {
		given = filepath.Join("phoenix", env.Adapter)
	}
	return under(env.Dir, given)
}

// under makes a relative path start at base; "" stays.
func under(base, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// goodURL holds for http(s)://host[:port][/path]; http only to this machine, or
// where the federation is a test.
func goodURL(text string, production bool) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsFunc(text, unicode.IsControl) {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (!production || loopback(u.Hostname()))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// maxSecret is the largest file of a password or token, in bytes.
const maxSecret = 4096

// secret reads a file that holds a password or token alone, on one line.
func secret(path string) (string, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return "", errors.New("the secret's file cannot be read: " + reason(err))
	}
	text := strings.TrimRight(string(raw), "\r\n")
	if text == "" || len(raw) > maxSecret || strings.ContainsFunc(text, unicode.IsControl) {
		return "", errors.New("the secret's file does not hold a secret alone, on one line")
	}
	return text, nil
}

// reason takes the path out of an error of the file system.
func reason(err error) string {
	if one, ok := errors.AsType[*os.PathError](err); ok {
		return one.Err.Error()
	}
	return err.Error()
}

// oneLine keeps text from ending its line, and cuts it at a number of characters.
func oneLine(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	for i, r := range runes {
		if unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Bidi_Control, r) {
			runes[i] = ' '
		}
	}
	return string(runes)
}
