package okewo

import (
	"fmt"
	"os"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
)

// rules are the register's own: who it is, what it accepts, whom it protects.
type rules struct {
	// Register is the authority that answers.
	Register xmeld.Behoerde `yaml:"register"`
	// Zustaendig lists the AGS that the register is responsible for.
	Zustaendig []string `yaml:"zustaendig"`
	// Heute fixes the date, for examples whose dates do not move; empty for the
	// date in Berlin.
	Heute string `yaml:"heute"`
	// Regeln are tried in order; the first that fits decides. Where none fits
	// the application is accepted.
	Regeln []regel `yaml:"regeln"`
	// Sperren are the persons on whom the register holds blocks.
	Sperren []sperre `yaml:"sperren"`
}

// regel is one rule: when it fits, and what then.
type regel struct {
	// Wenn is one of unzustaendig, einzug-in-zukunft, einzug-aelter-als (Tage),
	// fehlt (Feld), gleich (Feld, Wert).
	Wenn string `yaml:"wenn"`
	Tage int    `yaml:"tage"`
	// Feld is a JSON Pointer into the data of anmeldung-eingegangen.
	Feld string `yaml:"feld"`
	Wert string `yaml:"wert"`
	// Ablehnen is the reason for which the application is refused, in words.
	Ablehnen string `yaml:"ablehnen"`
	// Status is the code of the refusal (XMeld anmeldung.status); 02 if empty.
	Status string `yaml:"status"`
	// Annehmen accepts, whatever rules come after.
	Annehmen bool `yaml:"annehmen"`
}

// sperre is a person with blocks, recognised by name and date of birth.
type sperre struct {
	Familienname          string   `yaml:"familienname"`
	Vornamen              string   `yaml:"vornamen"`
	Geburtsdatum          string   `yaml:"geburtsdatum"`
	Auskunftssperre       bool     `yaml:"auskunftssperre"`
	BedingterSperrvermerk bool     `yaml:"bedingter-sperrvermerk"`
	Uebermittlungssperren []string `yaml:"uebermittlungssperren"`
}

func loadRules(path string) (*rules, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return nil, fmt.Errorf("read the register's rules: %w", err)
	}
	r := &rules{}
	if err := yaml.Load(raw, r, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("read the register's rules: %w", err)
	}
	return r, r.check()
}

var conditions = []string{"unzustaendig", "einzug-in-zukunft", "einzug-aelter-als", "fehlt", "gleich"}

func (r *rules) check() error {
	if lacks := r.Register.AsAutor(); lacks != "" {
		return fmt.Errorf("register: %s is missing", lacks)
	}
	if r.Heute != "" {
		if _, err := time.Parse(time.DateOnly, r.Heute); err != nil {
			return fmt.Errorf("heute: %q is no date", r.Heute)
		}
	}
	for i, rule := range r.Regeln {
		if wrong := rule.wrong(); wrong != "" {
			return fmt.Errorf("regeln: number %d: %s", i+1, wrong)
		}
	}
	return nil
}

func (r regel) wrong() string {
	switch {
	case !slices.Contains(conditions, r.Wenn):
		return fmt.Sprintf("wenn is %q, and must be one of %v", r.Wenn, conditions)
	case (r.Ablehnen == "") != r.Annehmen:
		return "must say either ablehnen with the reason, or annehmen: true"
	case (r.Wenn == "fehlt" || r.Wenn == "gleich") != (r.Feld != ""):
		return "feld belongs to fehlt and gleich, and to no other"
	case (r.Wenn == "einzug-aelter-als") != (r.Tage > 0):
		return "tage, more than 0, belongs to einzug-aelter-als, and to no other"
	case r.Status != "" && r.Status != "02" && r.Status != "03":
		return "status must be 02 or 03"
	}
	return ""
}
