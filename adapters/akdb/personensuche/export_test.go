package personensuche

import (
	"encoding/json"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
)

const noQuestion = `"anfrage":{"source":"","id":""},`

// Judge is the event's data for the hits of OK.EWO's search for somebody born on
// 1985-08-12, with all fields and blocks.
func Judge(familienname, vornamen, ags string, answer []byte) (string, error) {
	hits, err := ewo.ReadHits(answer)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(judge(&question{
		Name: xmeld.Name{Familienname: familienname, Vornamen: vornamen}, Geburtsdatum: "1985-08-12", AGS: ags,
	}, hits))
	return strings.Replace(string(raw), noQuestion, "", 1), err
}

// Outcome is the event's data for a 1331, with all fields.
func Outcome(message []byte) (string, error) {
	found, err := okkomm.ReadAuskunft(message)
	if err != nil {
		return "", err
	}
	d, err := outcome(found, nil)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(d)
	return strings.Replace(string(raw), noQuestion, "", 1), err
}
