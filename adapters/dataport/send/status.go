package send

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/zbp"
	"github.com/amtsbote/amtsbote/hub"
)

// statusType is the event of an application whose status has changed.
const statusType = "de.antrag.status-geaendert.v1"

// noChannel is the code where the citizen cannot be reached by the ZBP.
const noChannel = "fit-no-return-channel"

// changed is the data of statusType.
type changed struct {
	Antrag struct {
		Leistung string `json:"leistung"`
	} `json:"antrag"`
	Status        string    `json:"status"`
	Geaendert     time.Time `json:"geaendert"`
	Zeichen       string    `json:"zeichen"`
	Statusmonitor string    `json:"statusmonitor"`
	Rueckkanal    struct {
		Art     string `json:"art"`
		Adresse string `json:"adresse"`
	} `json:"rueckkanal"`
	Nachricht struct {
		Betreff string `json:"betreff"`
		Text    string `json:"text"`
	} `json:"nachricht"`
	Dokumente []any `json:"dokumente"`
}

// statuses are the words of a status: in the status monitor, beside it, in a
// message.
var statuses = map[string]struct{ zbp, details, text string }{
	"eingegangen":    {zbp.Received, "Eingegangen", "Ihr Antrag ist eingegangen."},
	"in-bearbeitung": {zbp.Processing, "In Bearbeitung", "Ihr Antrag wird bearbeitet."},
	"rueckfrage":     {zbp.ActionRequired, "Rückfrage", "Zu Ihrem Antrag gibt es eine Rückfrage."},
	"abgeschlossen":  {zbp.Completed, "Abgeschlossen", "Die Bearbeitung Ihres Antrags ist abgeschlossen."},
	"abgelehnt":      {zbp.Completed, "Abgelehnt", "Ihr Antrag wurde abgelehnt."},
	"zurueckgezogen": {zbp.Completed, "Zurückgezogen", "Ihr Antrag wurde zurückgezogen."},
}

// status makes of a changed status what goes to the citizen: an entry of the status
// monitor where the application has one, and a message where there is a mailbox and
// something to say beyond that.
func (s *sink) status(e hub.Event) ([]*parcel, error) {
	var c changed
	if json.Unmarshal(e.Data(), &c) != nil {
		return nil, unmappable("its data have not the shape of a changed status")
	}
	words, known := statuses[c.Status]
	name := s.set.ZBP.Leistungen[c.Antrag.Leistung]
	if name == "" {
		name = s.set.ZBP.Sonst
	}
	switch {
	case !known:
		return nil, unmappable("its status is not known")
	case c.Geaendert.IsZero():
		return nil, unmappable("/geaendert is missing")
	case name == "":
		return nil, unmappable("zbp.leistungen has no name for the public service, and there is no leistung-sonst")
	case c.Statusmonitor != "" && !fit.IsUUID(c.Statusmonitor):
		return nil, unmappable("/statusmonitor is no UUID")
	}
	var all []*parcel
	if c.Statusmonitor != "" {
		all = append(all, s.entry(c, name, words.zbp, words.details))
	}
	if c.Rueckkanal.Art == "bundid" && (c.Statusmonitor == "" || s.set.ZBP.NachrichtImmer || c.Nachricht.Text != "" || len(c.Dokumente) > 0) {
		m, err := s.message(e, c, name)
		if err != nil {
			return all, err // the entry goes all the same
		}
		all = append(all, m)
	}
	if len(all) == 0 {
		return nil, hub.Permanent(noChannel, "the event names neither /statusmonitor nor a /rueckkanal of kind bundid: the answer goes by letter")
	}
	return all, nil
}

// letter is a parcel to the ZBP; content makes what is signed.
func (s *sink) letter(service, name string, content func([]sealed) any) *parcel {
	p := &parcel{destination: s.set.ZBP.Zustellpunkt, service: service, name: name, life: zbp.TokenLife * 2 / 3}
	p.metadata.Data.SchemaURI, p.metadata.Data.MIMEType = zbp.SchemaURI, mimeJSON
	p.data = func(_ context.Context, _ hub.Delivery, attachments []sealed) ([]byte, error) {
		return s.signer.Envelope(content(attachments), time.Now())
	}
	return p
}

func (s *sink) entry(c changed, name, status, details string) *parcel {
	return s.letter(zbp.StatusService, zbp.StatusName, func([]sealed) any {
		return zbp.Status{
			ApplicationID: c.Statusmonitor, Status: status, Service: zbp.Text{DE: name}, Sender: s.set.Absender,
			Created: zbp.Time(c.Geaendert), Details: &zbp.Text{DE: details}, Reference: cut(c.Zeichen, 50),
		}
	})
}

func (s *sink) message(e hub.Event, c changed, name string) (*parcel, error) {
	if !fit.IsUUID(c.Rueckkanal.Adresse) {
		return nil, unmappable("/rueckkanal/adresse is no mailbox of the ZBP (UUID)")
	}
	title, text := c.Nachricht.Betreff, c.Nachricht.Text
	if title == "" {
		title = name + ": " + statuses[c.Status].details
	}
	if text == "" {
		text = s.set.ZBP.Texte[c.Status]
	}
	if text == "" {
		text = statuses[c.Status].text
	}
	p := s.letter(zbp.MessageService, zbp.MessageName, func(attachments []sealed) any {
		m := zbp.Message{
			Level: s.set.ZBP.Vertrauen, Mailbox: c.Rueckkanal.Adresse, Sender: s.set.Absender, Title: cut(title, 1024), Content: text,
			Service: name, ApplicationID: c.Statusmonitor, Reference: cut(c.Zeichen, 255),
		}
		for _, a := range attachments {
			m.Attachments = append(m.Attachments, zbp.Attachment{Filename: a.Filename, SHA512: a.SHA512, Size: a.Size})
		}
		return m
	})
	p.suffix = "~nachricht"
	var err error
	p.attachments, err = attachments(e.Data(), "/dokumente")
	for i := range p.attachments {
		if b := &p.attachments[i].blob; b.Filename == "" {
			b.Filename = fmt.Sprintf("dokument-%d", i+1)
		}
	}
	return p, err
}

func cut(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), most)])
}
