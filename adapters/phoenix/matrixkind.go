package phoenix

import (
	"errors"
	"regexp"

	"github.com/amtsbote/amtsbote/hub"
)

type matrixSettings struct {
	Notices `yaml:",inline"`

	URL       string   `yaml:"url"`
	CA        string   `yaml:"ca"`
	Raeume    []string `yaml:"raeume"`
	Token     string   `yaml:"token"`    // file
	Benutzer  string   `yaml:"benutzer"` // or this, with
	Passwort  string   `yaml:"passwort"` // file
	Art       string   `yaml:"art"`
	Beitreten bool     `yaml:"beitreten"`
}

// Matrix is the kind "matrix".
func Matrix() hub.Kind {
	return hub.Kind{
		Name: "matrix", Title: "Hinweise in einen Matrix-Raum (openDesk: Element)",
		Sink: func(env hub.Env, s hub.Settings) (hub.Sink, error) {
			set, err := decodeMatrix(env, s)
			if err != nil {
				return nil, err
			}
			client, err := httpClient(under(env.Federation, set.CA), set.Frist)
			if err != nil {
				return nil, s.Errorf("ca", "%w", err)
			}
			set.Token, set.Passwort = under(env.Federation, set.Token), under(env.Federation, set.Passwort)
			if err := readable(s, map[string]string{"token": set.Token, "passwort": set.Passwort}); err != nil {
				return nil, err
			}
			return newSink(env, set.Notices, newMatrix(set, client, env.Adapter))
		},
		Check: func(env hub.Env, s hub.Settings) ([]hub.Event, error) {
			_, err := decodeMatrix(env, s)
			return nil, err
		},
	}
}

var (
	roomForm = regexp.MustCompile(`^![A-Za-z0-9._=+/-]{1,200}(:[A-Za-z0-9.\[\]:-]{1,250})?$`)
	userForm = regexp.MustCompile(`^(@[a-z0-9._=+/-]{1,200}:[A-Za-z0-9.\[\]:-]{1,250}|[a-z0-9._=+/-]{1,200})$`)
)

func decodeMatrix(env hub.Env, s hub.Settings) (matrixSettings, error) {
	set := matrixSettings{Notices: noticeDefaults(), Art: "m.notice", Beitreten: true}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	errs := []error{set.check(env, s)}
	bad := func(wrong bool, key, format string, args ...any) {
		if wrong {
			errs = append(errs, s.Errorf(key, format, args...))
		}
	}
	bad(!goodURL(set.URL, env.Production), "url", "must be the homeserver's address, https://host (http: to this machine, or in a test federation)")
	bad(len(set.Raeume) == 0 || len(set.Raeume) > maxTargets, "raeume", "must be 1 to %d rooms", maxTargets)
	for _, room := range set.Raeume {
		bad(!roomForm.MatchString(room), "raeume", "must be room ids, like !abc:matrix.example.org")
	}
	bad((set.Token == "") == (set.Benutzer == ""), "token", "a bot has either a token or benutzer and passwort")
	bad((set.Benutzer == "") != (set.Passwort == ""), "passwort", "benutzer and passwort go together")
	bad(set.Benutzer != "" && !userForm.MatchString(set.Benutzer), "benutzer", "must be a user, like amtsbote or @amtsbote:matrix.example.org")
	bad(set.Art != "m.notice" && set.Art != "m.text", "art", "must be m.notice or m.text")
	return set, errors.Join(errs...)
}

// readable finds a secret that cannot be read when the adapter is made, rather than at
// the first notice. It is read anew each time that it is used.
func readable(s hub.Settings, files map[string]string) error {
	var errs []error
	for key, file := range files {
		if file == "" {
			continue
		}
		if _, err := secret(file); err != nil {
			errs = append(errs, s.Errorf(key, "%w", err))
		}
	}
	return errors.Join(errs...)
}
