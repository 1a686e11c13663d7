package ewo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// Client reads the register in the name of one user, whose id the gateway
// writes into its log (benutzerId).
type Client struct {
	EAI        *eai.Client
	BenutzerID string
	// Unbekannt404 takes HTTP 404 as "unknown person". Whether a gateway
	// answers so is UNVERIFIED: the recorded one sends an empty answer, and 404
	// then means that the address is wrong.
	Unbekannt404 bool
}

// Person reads person/{om}; an unknown one gives nil, nil.
func (c *Client) Person(ctx context.Context, om string) (*Person, error) {
	return c.read(ctx, "person", om)
}

// PersonErweitert reads personErweitert/{om}; an unknown one gives nil, nil.
func (c *Client) PersonErweitert(ctx context.Context, om string) (*Person, error) {
	return c.read(ctx, "personErweitert", om)
}

func (c *Client) read(ctx context.Context, what, om string) (*Person, error) {
	answer, err := c.EAI.Do(ctx, eai.Request{
		Method: http.MethodGet, Path: []string{what, om},
		Query:  url.Values{"benutzerId": {c.BenutzerID}},
		Header: http.Header{"Accept": {"application/json"}},
	})
	if err != nil {
		if e, ok := errors.AsType[*eai.Error](err); ok && e.Code == eai.NotFound && c.Unbekannt404 {
			return nil, nil
		}
		return nil, err
	}
	return Read(answer)
}

// Suche are the criteria of a search (suchkriterien); empty ones are left out.
type Suche struct {
	Datensatzstatus string     `json:"datensatzstatus"` // AKTUELL, INAKTUELL, OHNE_EINSCHRAENKUNG; AKTUELL when empty
	Familienname    string     `json:"familienname,omitempty"`
	Vorname         string     `json:"vorname,omitempty"`
	Geburtsdatum    *SuchDatum `json:"geburtsdatum,omitempty"`
	Geschlecht      string     `json:"geschlecht,omitempty"`
	Wohnort         string     `json:"wohnort,omitempty"`
	Postleitzahl    string     `json:"postleitzahl,omitempty"`
	Strassen        string     `json:"strassenschluessel,omitempty"`
	HausnummerVon   string     `json:"hausnummerVon,omitempty"`
	HausnummerBis   string     `json:"hausnummerBis,omitempty"`
	BuchstabeVon    string     `json:"buchstabeVon,omitempty"`
	BuchstabeBis    string     `json:"buchstabeBis,omitempty"`
	TeilnummerVon   string     `json:"teilnummerVon,omitempty"`
	TeilnummerBis   string     `json:"teilnummerBis,omitempty"`
	Ordnungsmerkmal string     `json:"ordnungsmerkmal,omitempty"` // personErweitert only
}

// SuchDatum is a GeburtsdatumType.
type SuchDatum struct {
	Datum string `json:"datum"`
}

// Search asks person/search.
func (c *Client) Search(ctx context.Context, s Suche) ([]*Person, error) {
	if s.Ordnungsmerkmal != "" {
		return nil, &eai.Error{Code: eai.Refused, Err: errors.New("only the extended search knows ordnungsmerkmal")}
	}
	return c.search(ctx, "person", s)
}

// SearchErweitert asks personErweitert/search.
func (c *Client) SearchErweitert(ctx context.Context, s Suche) ([]*Person, error) {
	return c.search(ctx, "personErweitert", s)
}

func (c *Client) search(ctx context.Context, what string, s Suche) ([]*Person, error) {
	if s.Datensatzstatus == "" {
		s.Datensatzstatus = "AKTUELL"
	}
	type benutzer struct {
		ID string `json:"benutzerId"`
	}
	body, err := json.Marshal(struct {
		Benutzer benutzer `json:"benutzer"`
		Suche    Suche    `json:"suchkriterien"`
	}{benutzer{c.BenutzerID}, s})
	if err != nil {
		return nil, err
	}
	answer, err := c.EAI.Do(ctx, eai.Request{
		Method: http.MethodPost, Path: []string{what, "search"}, Body: body,
		Header: http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}},
	})
	if err != nil {
		return nil, err
	}
	return ReadHits(answer)
}
