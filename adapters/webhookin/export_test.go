package webhookin

import (
	"net/http"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// EventID is the id that a mapping makes.
func EventID(source, typ, part string) string { return mapping.EventID(source, typ, part) }

// Verify holds a request against a style and secrets.
func Verify(style string, h http.Header, body []byte, now time.Time, secrets ...[]byte) error {
	g, err := signature{Style: style}.complete(nothing{})
	if err != nil {
		return err
	}
	_, err = g.verify(h, body, secrets, now)
	return err
}

type nothing struct{ hub.Settings }

func (nothing) Errorf(key, _ string, _ ...any) error { return &hub.Problem{Text: key} }

// ParseSecret reads the text of a secret's file.
func ParseSecret(text, form string) ([]byte, error) { return parseSecret([]byte(text), form) }
