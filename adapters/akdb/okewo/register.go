package okewo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
)

// register is what the register remembers: its residents, and every
// application that it has decided. It lies in one JSON file.
type register struct {
	path string

	Residents map[string]resident `json:"einwohner"` // by Aktenzeichen
	Cases     map[string]*fall    `json:"faelle"`    // by nachrichtenUUID of the 1704
}

// resident is somebody who is registered.
type resident struct {
	Person    xmeld.Person    `json:"person"`
	Anschrift xmeld.Anschrift `json:"anschrift"`
	Einzug    string          `json:"einzug"`
	Sperren   *xmeld.Sperren  `json:"sperren,omitempty"`
}

// fall is a decided application with everything that its answers are made of,
// so that they are the same whenever they are made.
type fall struct {
	Application  *xmeld.Eingegangen `json:"antrag"`
	Verdict      verdict            `json:"entscheidung"`
	Aktenzeichen string             `json:"aktenzeichen"`
	DecidedAt    time.Time          `json:"entschiedenAm"`
	Today        string             `json:"tag"`
	AnswerUUID   string             `json:"antwortUUID"`
	EventID      string             `json:"ereignisID,omitempty"`
	Register     xmeld.Behoerde     `json:"register"`
	Source       string             `json:"source"`
	Sperren      *xmeld.Sperren     `json:"sperren,omitempty"`
}

func loadRegister(path string) (*register, error) {
	r := &register{path: path, Residents: map[string]resident{}, Cases: map[string]*fall{}}
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	return r, nil
}

// save replaces the file as a whole.
func (r *register) save() error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("write the register: %w", err)
	}
	if err := replace(r.path, raw); err != nil {
		return fmt.Errorf("write the register: %w", err)
	}
	return nil
}

// enter records a decision; an accepted applicant becomes a resident.
func (r *register) enter(uuid string, c *fall) {
	r.Cases[uuid] = c
	if c.Verdict.Accepted {
		d := c.Application
		r.Residents[c.Aktenzeichen] = resident{Person: d.Person, Anschrift: d.Anschrift, Einzug: d.Einzug, Sperren: c.Sperren}
	}
}
