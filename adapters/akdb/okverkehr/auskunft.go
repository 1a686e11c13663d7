package okverkehr

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// Auskunft is what may be told of an answer.
type Auskunft struct {
	// AnfrageID of the question, in any case.
	AnfrageID string `json:"anfrageid"`
	// Halter is nil when nobody was found, and also when the record is blocked:
	// who receives the event cannot tell one from the other.
	Halter *Halter `json:"halter,omitempty"`

	blocked bool
}

// Blocked tells the adapter, which may count it; it stands in no event and no
// log line with the event's id.
func (a *Auskunft) Blocked() bool { return a.blocked }

// Halter is the keeper of a vehicle, a natural or a legal person.
type Halter struct {
	Nachname              string `json:"nachname,omitempty"`
	Namensbestandteil     string `json:"namensbestandteil,omitempty"`
	Vorname               string `json:"vorname,omitempty"`
	NameJuristischePerson string `json:"nameJuristischePerson,omitempty"`
	NameVereinigung       string `json:"nameVereinigung,omitempty"`
	Strasse               string `json:"strasse,omitempty"`
	Hausnummer            string `json:"hausnummer,omitempty"`
	Postleitzahl          string `json:"postleitzahl,omitempty"`
	Wohnort               string `json:"wohnort,omitempty"`
	AGS                   string `json:"ags,omitempty"`
}

// antwort is HalterPersonAntwort as far as it is read. The marks are read as
// they come: one that is neither true nor false counts as set.
type antwort struct {
	Zulassung map[string]jsontext.Value `json:"zulassung"`
	Halter    *Halter                   `json:"halter"`
	// Other keepers than the Halter. What they mean for who keeps the vehicle is not
	// known, so nobody is told where one of them stands.
	GeaenderterHalter  any `json:"geaenderterHalter"`
	VorlaeufigerHalter any `json:"vorlaeufigerHalter"`
}

// WrongAnswer is the code of an answer about another vehicle than the one asked for.
const WrongAnswer = "wrong-answer"

// marks are the fields of zulassung that block an answer. The first is spelt as
// in the Swagger; the other spelling is not known to occur.
var marks = []string{"auskunftsperreMerkmal", "auskunftssperreMerkmal", "tarnkennzeichenMerkmal"}

// read takes over what may be told of the vehicle with this number plate. An answer
// that does not say whether it is blocked is not told either, nor is one in which
// another keeper than the Halter stands.
func (a *Auskunft) read(raw []byte, kennzeichen string) error {
	var in antwort
	if err := json.Unmarshal(raw, &in); err != nil {
		return eai.BadAnswer("the answer is no HalterPersonAntwort")
	}
	if in.Zulassung == nil && in.Halter == nil {
		return nil // nobody was found; meldung says so in words
	}
	a.blocked = blocked(in.Zulassung)
	if !isOf(in.Zulassung["kennzeichen"], kennzeichen, a.blocked) {
		return &eai.Error{Code: WrongAnswer, Blocking: true, Err: errors.New("the answer is not about the vehicle that was asked for (zulassung.kennzeichen)")}
	}
	if a.blocked || holds(in.GeaenderterHalter) || holds(in.VorlaeufigerHalter) {
		return nil
	}
	if h := in.Halter; h != nil && *h != (Halter{}) {
		a.Halter = h
	}
	return nil
}

// isOf compares number plates. One that is missing is another, except in a blocked
// record: that must look like none.
func isOf(value jsontext.Value, kennzeichen string, blocked bool) bool {
	var said string
	if err := json.Unmarshal(value, &said); err != nil || strings.TrimSpace(said) == "" {
		return blocked
	}
	said, err := Kennzeichen(said)
	return err == nil && said == kennzeichen
}

// holds tells whether anything stands in a part of an answer: the Swagger requires
// all parts, so an empty one is as good as none.
func holds(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return strings.TrimSpace(v) != ""
	case bool:
		return v
	case []any:
		return slices.ContainsFunc(v, holds)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), holds)
	}
	return true
}

// blocked is true unless both marks are there and plainly false.
func blocked(zulassung map[string]jsontext.Value) bool {
	for _, mark := range []string{"auskunftsperreMerkmal", "tarnkennzeichenMerkmal"} {
		if _, there := zulassung[mark]; !there {
			return true
		}
	}
	for _, mark := range marks {
		value, there := zulassung[mark]
		if said := strings.Trim(string(value), `"`); there && !strings.EqualFold(said, "false") {
			return true
		}
	}
	return false
}
