package personensuche

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/hub"
)

// question is the data of de.meldewesen.person-gesucht.v1.
type question struct {
	Name         xmeld.Name `json:"name"`
	Geburtsdatum string     `json:"geburtsdatum"`
	Geschlecht   string     `json:"geschlecht"`
	AGS          string     `json:"ags"`
	Aktenzeichen string     `json:"aktenzeichen"`
}

var (
	agsForm  = regexp.MustCompile(`^[0-9]{8}$`)
	dateForm = regexp.MustCompile(`^[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?$`)
)

// wildcards would make of a question for one person one for many.
const wildcards = "*?%_"

// questionOf reads an event that asks. What an agreement has cut, or a wildcard,
// makes a wider question of it, and that is not asked.
func questionOf(e hub.Event) (*question, error) {
	q := &question{}
	if e.Type() != TypeGesucht || json.Unmarshal(e.Data(), q) != nil {
		return nil, hub.Permanent(auskunft.Unmappable, "the event is no %s", TypeGesucht)
	}
	lacks := ""
	switch {
	case q.Name.Familienname == "":
		lacks = "name.familienname"
	case !dateForm.MatchString(q.Geburtsdatum):
		lacks = "geburtsdatum"
	case !agsForm.MatchString(q.AGS):
		lacks = "ags"
	case strings.ContainsAny(q.Name.Familienname+q.Name.Vornamen, wildcards):
		lacks = "name without wildcards"
	}
	if lacks != "" {
		return nil, hub.Permanent(auskunft.Unmappable, "a question of this kind needs %s", lacks)
	}
	return q, nil
}
