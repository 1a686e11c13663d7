package okewo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
)

// verdict is what the rules say of an application.
type verdict struct {
	Accepted bool   `json:"angenommen"`
	Status   string `json:"status,omitempty"` // code of the refusal
	Reason   string `json:"grund,omitempty"`  // of the refusal, in words
}

// decide tries the rules in order; without one that fits it accepts.
func (r *rules) decide(d *xmeld.Eingegangen, today time.Time) (verdict, error) {
	fields, err := fieldsOf(d)
	if err != nil {
		return verdict{}, err
	}
	for _, rule := range r.Regeln {
		if !r.fits(rule, d, fields, today) {
			continue
		}
		if rule.Annehmen {
			break
		}
		return verdict{Status: cmp.Or(rule.Status, "02"), Reason: rule.Ablehnen}, nil
	}
	return verdict{Accepted: true}, nil
}

func (r *rules) fits(rule regel, d *xmeld.Eingegangen, fields any, today time.Time) bool {
	moved, _ := time.Parse(time.DateOnly, d.Einzug) // the reader has checked it
	switch rule.Wenn {
	case "unzustaendig":
		return !slices.Contains(r.Zustaendig, d.Anschrift.AGS)
	case "einzug-in-zukunft":
		return moved.After(today)
	case "einzug-aelter-als":
		return moved.Before(today.AddDate(0, 0, -rule.Tage))
	case "fehlt":
		return valueAt(fields, rule.Feld) == ""
	case "gleich":
		return valueAt(fields, rule.Feld) == rule.Wert
	}
	return false
}

// fieldsOf gives the data as JSON has it.
func fieldsOf(d *xmeld.Eingegangen) (any, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("decide: %w", err)
	}
	var fields any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, fmt.Errorf("decide: %w", err)
	}
	return fields, nil
}

// valueAt gives the value at a JSON Pointer as text, "" where nothing is.
func valueAt(fields any, pointer string) string {
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		object, ok := fields.(map[string]any)
		if !ok {
			return ""
		}
		fields = object[name]
	}
	if fields == nil {
		return ""
	}
	return fmt.Sprint(fields)
}

// blocks are those that the register holds on the person, with those that the
// confirmed data of the application brought along.
func (r *rules) blocks(d *xmeld.Eingegangen) *xmeld.Sperren {
	all := xmeld.Sperren{}
	if d.Sperren != nil {
		all = *d.Sperren
		all.Uebermittlungssperren = slices.Clone(all.Uebermittlungssperren)
	}
	for _, s := range r.Sperren {
		if !s.meets(d.Person) {
			continue
		}
		all.Auskunftssperre = all.Auskunftssperre || s.Auskunftssperre
		all.BedingterSperrvermerk = all.BedingterSperrvermerk || s.BedingterSperrvermerk
		all.Uebermittlungssperren = append(all.Uebermittlungssperren, s.Uebermittlungssperren...)
	}
	slices.Sort(all.Uebermittlungssperren)
	all.Uebermittlungssperren = slices.Compact(all.Uebermittlungssperren)
	if !all.Auskunftssperre && !all.BedingterSperrvermerk && len(all.Uebermittlungssperren) == 0 {
		return nil
	}
	return &all
}

func (s sperre) meets(p xmeld.Person) bool {
	return s.Familienname == p.Name.Familienname && s.Vornamen == p.Name.Vornamen && s.Geburtsdatum == p.Geburtsdatum.Value
}
