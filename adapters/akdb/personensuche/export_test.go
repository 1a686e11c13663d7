package personensuche

import (
	"encoding/json"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
)

// Judge is the event's data for the hits of OK.EWO's search, with all fields.
func Judge(familienname, geburtsdatum string, answer []byte) (string, error) {
	hits, err := ewo.ReadHits(answer)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(judge(&question{Name: xmeld.Name{Familienname: familienname}, Geburtsdatum: geburtsdatum}, hits))
	return string(raw), err
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
	return string(raw), err
}
