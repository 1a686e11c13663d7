package phoenix

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

type nextcloudSettings struct {
	Notices `yaml:",inline"`

	URL      string   `yaml:"url"`
	CA       string   `yaml:"ca"`
	Admin    string   `yaml:"admin"`
	Passwort string   `yaml:"passwort"` // file
	Benutzer []string `yaml:"benutzer"`
}

// Nextcloud is the kind "nextcloud".
func Nextcloud() hub.Kind {
	return hub.Kind{
		Name: "nextcloud", Title: "Benachrichtigungen in Nextcloud (openDesk: Dateien)",
		Sink: func(env hub.Env, s hub.Settings) (hub.Sink, error) {
			set, err := decodeNextcloud(env, s)
			if err != nil {
				return nil, err
			}
			client, err := httpClient(under(env.Federation, set.CA), set.Frist)
			if err != nil {
				return nil, s.Errorf("ca", "%w", err)
			}
			set.Passwort = under(env.Federation, set.Passwort)
			if err := readable(s, map[string]string{"passwort": set.Passwort}); err != nil {
				return nil, err
			}
			return newSink(env, set.Notices, &nextcloud{set, client})
		},
		Check: func(env hub.Env, s hub.Settings) ([]hub.Event, error) {
			_, err := decodeNextcloud(env, s)
			return nil, err
		},
	}
}

// ncUser is a user id that Nextcloud allows.
var ncUser = regexp.MustCompile(`^[A-Za-z0-9_.@' -]{1,64}$`)

func decodeNextcloud(env hub.Env, s hub.Settings) (nextcloudSettings, error) {
	set := nextcloudSettings{Notices: noticeDefaults()}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	errs := []error{set.check(env, s)}
	bad := func(wrong bool, key, format string, args ...any) {
		if wrong {
			errs = append(errs, s.Errorf(key, format, args...))
		}
	}
	bad(!goodURL(set.URL, env.Production), "url", "must be Nextcloud's address, https://host[/path] (http: to this machine, or in a test federation)")
	bad(!ncUser.MatchString(set.Admin), "admin", "must be the user id of an administrator")
	bad(set.Passwort == "", "passwort", "the file with the administrator's app password is missing")
	bad(len(set.Benutzer) == 0 || len(set.Benutzer) > maxTargets, "benutzer", "must be 1 to %d users", maxTargets)
	for _, user := range set.Benutzer {
		bad(!ncUser.MatchString(user) || strings.Trim(user, ".") == "", "benutzer", "must be user ids of Nextcloud")
	}
	return set, errors.Join(errs...)
}

// nextcloud speaks the admin API of the notifications app, version 2.
type nextcloud struct {
	set  nextcloudSettings
	http *http.Client
}

var _ channel = (*nextcloud)(nil)

// Bounds of a notification in characters (docs of the notifications app).
const (
	maxShort = 255
	maxLong  = 4000
)

func (n *nextcloud) targets() []string { return n.set.Benutzer }

// send makes one notification. The interface has no key by which a repetition were
// recognised: one whose answer was lost comes twice.
func (n *nextcloud) send(ctx context.Context, user string, m message) error {
	password, err := secret(n.set.Passwort)
	if err != nil {
		return hub.Retryable("unauthorised", "app password: %w", err)
	}
	form := url.Values{"shortMessage": {oneLine(m.Subject, maxShort)}, "longMessage": {cutAt(m.Text, maxLong)}}
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth(n.set.Admin, password)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("OCS-APIRequest", "true")
	req.Header.Set("Accept", "application/json")
	a, err := call(ctx, n.http, request{
		method: http.MethodPost, header: req.Header, body: []byte(form.Encode()),
		url: strings.TrimRight(n.set.URL, "/") + "/ocs/v2.php/apps/notifications/api/v2/admin_notifications/" + url.PathEscape(user),
	})
	if err != nil {
		return err
	}
	if a.status == http.StatusNotFound {
		return hub.Retryable("unknown-user", "notify a user: Nextcloud does not know one of those in benutzer, or has no notifications app (HTTP 404)")
	}
	if a.status != http.StatusOK {
		return a.refusedOf("notify a user", ocsCode(a.body) != 0)
	}
	return ocsDone(a.body)
}

// ocsDone believes only an answer in the form of OCS: a page of a proxy has 200, too.
func ocsDone(body []byte) error {
	if code := ocsCode(body); code != 200 && code != 100 {
		return hub.Retryable("answer-unreadable", "notify a user: the answer is no success in the form of OCS")
	}
	return nil
}

// ocsCode is what an answer in the form of OCS says; 0 for every other.
func ocsCode(body []byte) int {
	var said struct {
		OCS struct {
			Meta struct {
				Code int `json:"statuscode"`
			} `json:"meta"`
		} `json:"ocs"`
	}
	if json.Unmarshal(body, &said) != nil {
		return 0
	}
	return said.OCS.Meta.Code
}

// cutAt keeps at most so many characters.
func cutAt(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
