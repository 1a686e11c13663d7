// Package okverkehr asks OK.VERKEHR, through the City of Munich's gateway
// (kfzhalterpersonenineai), who keeps a vehicle; it only reads. It is the adapter
// kind "okverkehr", an enrichment step (hub/adr/0018-enrichment.md).
//
// Every question has an id of its own (anfrageid), by which the register's log
// and the hub's trail find each other. A record with a block (auskunftsperre,
// Tarnkennzeichen) gives no value at all, not even that the vehicle exists:
// see [Auskunft].
package okverkehr

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// Client asks in the name of one user and one procedure.
type Client struct {
	EAI       *eai.Client
	Benutzer  string // who asks, for the register's log
	Verfahren string // for which procedure
}

// path of the call below the gateway's address.
var path = []string{"businessActions", "kfzhalterpersonen"}

// Halter asks who kept the vehicle with this number plate on that day, under an id
// that no question had before. The errors of a call are *eai.Error.
func (c *Client) Halter(ctx context.Context, anfrageID, kennzeichen string, am time.Time) (Auskunft, error) {
	a := Auskunft{AnfrageID: anfrageID}
	kennzeichen, err := Kennzeichen(kennzeichen)
	if err == nil && (c.Benutzer == "" || c.Verfahren == "") {
		err = errors.New("benutzer or verfahren is missing")
	}
	if err != nil {
		return a, &eai.Error{Code: eai.Refused, Err: err}
	}
	body, err := json.Marshal(anfrage{
		Kennzeichen: kennzeichen, Suchzeitpunkt: am.Format(time.DateOnly),
		Benutzer: c.Benutzer, Verfahren: c.Verfahren, AnfrageID: a.AnfrageID,
	})
	if err != nil {
		return a, &eai.Error{Code: eai.Refused, Err: errors.New("the question cannot be written")}
	}
	answer, err := c.EAI.Do(ctx, eai.Request{
		Method: http.MethodPost, Path: path, Body: body,
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
	})
	if e, ok := errors.AsType[*eai.Error](err); ok && e.Code == eai.NotFound {
		return a, nil // "Keine Halter-/Fahrzeugdaten gefunden"
	}
	if err != nil {
		return a, err
	}
	return a, a.read(answer, kennzeichen)
}

// anfrage is HalterPersonAnfrage: all five fields are required.
type anfrage struct {
	Kennzeichen   string `json:"kennzeichen"`
	Suchzeitpunkt string `json:"suchzeitpunkt"`
	Benutzer      string `json:"benutzer"`
	Verfahren     string `json:"verfahren"`
	AnfrageID     string `json:"anfrageid"`
}

// Kennzeichen brings a number plate into the form that the gateway wants: the
// district, one space, the rest ("M AA1000"). A hyphen stands for the space.
func Kennzeichen(s string) (string, error) {
	parts := strings.FieldsFunc(strings.ToUpper(s), func(c rune) bool { return c == '-' || unicode.IsSpace(c) })
	if len(parts) < 2 || len(parts) > 3 || len([]rune(parts[0])) > 3 {
		return "", errors.New("not a number plate with district and number")
	}
	plate := parts[0] + " " + strings.Join(parts[1:], "")
	for _, c := range plate {
		if !unicode.IsUpper(c) && !unicode.IsDigit(c) && c != ' ' {
			return "", errors.New("not a number plate: a character that none has")
		}
	}
	return plate, nil
}
