package okewo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
)

// answer puts the answers of a case into in/.
func (d *desk) answer(c *fall) error {
	result, err := c.result()
	if err != nil {
		return fmt.Errorf("answer %s: %w", c.Aktenzeichen, err)
	}
	if err := replace(d.in("XMeld_1707_"+c.AnswerUUID+".xml"), result); err != nil {
		return fmt.Errorf("answer %s: %w", c.Aktenzeichen, err)
	}
	if !c.Verdict.Accepted {
		return nil
	}
	event, err := c.event()
	if err != nil {
		return fmt.Errorf("report %s: %w", c.Aktenzeichen, err)
	}
	if err := replace(d.in("wohnung-angemeldet_"+c.EventID+".json"), event); err != nil {
		return fmt.Errorf("report %s: %w", c.Aktenzeichen, err)
	}
	return nil
}

// result is the 1707, in the branch that the verdict asks for.
func (c *fall) result() ([]byte, error) {
	if c.Verdict.Accepted {
		return c.acceptance()
	}
	return c.refusal()
}

func (c *fall) envelope() xmeld.Envelope {
	asked := c.Application.Kopf
	return xmeld.Envelope{
		UUID: c.AnswerUUID, Created: c.DecidedAt, Test: asked.Test, Autor: c.Register,
		Leser:   xmeld.Behoerde{Kennung: asked.Autor.Kennung, Name: cmp.Or(asked.Autor.Name, asked.Autor.Kennung)},
		Produkt: xmeld.Produkt{Name: "OK.EWO-Simulator", Hersteller: "Amtsbote"},
	}
}

func (c *fall) origin() xmeld.Ursprung {
	asked := c.Application.Kopf
	return xmeld.Ursprung{
		NachrichtenUUID: asked.NachrichtenUUID, Code: xmeld.Meldeschein, Erstellungszeitpunkt: asked.Erstellungszeitpunkt,
	}
}

func (c *fall) acceptance() ([]byte, error) {
	d := c.Application
	pdf := page(
		"Amtliche Meldebestätigung (Simulation)",
		c.Register.Name+", Aktenzeichen "+c.Aktenzeichen,
		"",
		d.Person.Name.Vornamen+" "+d.Person.Name.Familienname,
		"Einzug am "+d.Einzug+", angemeldet am "+c.Today,
		d.Anschrift.Strasse+" "+d.Anschrift.Hausnummer+d.Anschrift.HausnummerZusatz+", "+d.Anschrift.PLZ+" "+d.Anschrift.Ort,
	)
	return xmeld.WriteAngenommen(c.envelope(), &xmeld.Angenommen{
		Aktenzeichen: c.Aktenzeichen, Person: d.Person, Anschrift: d.Anschrift,
		Einzug: xmeld.PartDate{Value: d.Einzug, Given: true}, Anmeldung: c.Today,
		Wohnungsstatus: d.Wohnungsstatus, Ursprung: c.origin(),
	}, pdf)
}

// refusal carries the reason in words as PDF: XMeld has no other place for it.
func (c *fall) refusal() ([]byte, error) {
	d := c.Application
	pdf := page(
		"Ablehnung der elektronischen Anmeldung (Simulation)",
		c.Register.Name+", Aktenzeichen "+c.Aktenzeichen,
		"",
		c.Verdict.Reason,
	)
	return xmeld.WriteZurueckgewiesen(c.envelope(), &xmeld.Zurueckgewiesen{
		Aktenzeichen: c.Aktenzeichen, Grund: xmeld.Grund{Code: c.Verdict.Status}, Person: &d.Person, Ursprung: c.origin(),
	}, c.present(), pdf)
}

// present is where the applicant lives as far as the register knows.
func (c *fall) present() xmeld.Anschrift {
	if c.Application.BisherigeAnschrift != nil {
		return *c.Application.BisherigeAnschrift
	}
	return xmeld.Anschrift{AGS: c.Application.Anschrift.AGS}
}

const typeAngemeldet = "de.meldewesen.wohnung-angemeldet.v1"

// cloudEvent is the structured JSON form of CloudEvents 1.0.
type cloudEvent struct {
	SpecVersion     string     `json:"specversion"`
	ID              string     `json:"id"`
	Source          string     `json:"source"`
	Type            string     `json:"type"`
	Time            string     `json:"time"`
	DataContentType string     `json:"datacontenttype"`
	DataSchema      string     `json:"dataschema"`
	CorrelationID   string     `json:"correlationid"`
	AGS             string     `json:"ags"`
	Data            angemeldet `json:"data"`
}

// angemeldet is the data of wohnung-angemeldet.
type angemeldet struct {
	Person             person           `json:"person"`
	Anschrift          xmeld.Anschrift  `json:"anschrift"`
	BisherigeAnschrift *xmeld.Anschrift `json:"bisherigeAnschrift,omitempty"`
	Einzug             string           `json:"einzug"`
	Wohnungsstatus     string           `json:"wohnungsstatus,omitempty"`
	Sperren            *xmeld.Sperren   `json:"sperren,omitempty"`
}

type person struct {
	Name                   xmeld.Name     `json:"name"`
	Geburtsdatum           xmeld.PartDate `json:"geburtsdatum"`
	Staatsangehoerigkeiten []string       `json:"staatsangehoerigkeiten"`
	Deutsch                bool           `json:"deutsch"`
}

const german = "000" // Destatis

func (c *fall) event() ([]byte, error) {
	d := c.Application
	return json.MarshalIndent(cloudEvent{
		SpecVersion: "1.0", ID: c.EventID, Source: c.Source, Type: typeAngemeldet,
		Time:            c.DecidedAt.UTC().Format(time.RFC3339Nano),
		DataContentType: "application/json", DataSchema: "urn:amtsbote:schema:" + typeAngemeldet,
		CorrelationID: d.Kopf.NachrichtenUUID, AGS: d.Anschrift.AGS,
		Data: angemeldet{
			Person: person{
				Name: d.Person.Name, Geburtsdatum: d.Person.Geburtsdatum,
				Staatsangehoerigkeiten: d.Person.Staatsangehoerigkeiten,
				Deutsch:                slices.Contains(d.Person.Staatsangehoerigkeiten, german),
			},
			Anschrift: d.Anschrift, BisherigeAnschrift: d.BisherigeAnschrift,
			Einzug: d.Einzug, Wohnungsstatus: d.Wohnungsstatus, Sperren: c.Sperren,
		},
	}, "", "  ")
}
