package send

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/hub"
)

// parcel is one submission that is to be made of an event; nothing of it has been
// encrypted.
type parcel struct {
	suffix      string // tells the parcels of one event apart
	destination string // "" where the routing service knows it
	leika       string
	area, key   string // of the routing service: "ars" or "ags", and its value
	service     string // identifier (URN)
	name        string
	metadata    fit.Metadata // but for hash and attachments
	attachments []attachment
	// data gives the application data, when the attachments are known.
	data func(ctx context.Context, d hub.Delivery, sealed []sealed) ([]byte, error)
	// life is how long the data are good; 0: always.
	life time.Duration
}

// attachment of a parcel.
type attachment struct {
	blob        blob // without a reference: it is empty
	purpose     string
	description string
}

// blob is a reference to stored bytes, as events have it (gemeinsam.original).
type blob struct {
	Ref       string `json:"ref"`
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	MediaType string `json:"mediaType"`
	Filename  string `json:"filename,omitempty"`
}

// application is what is read of an event's data beside what the settings point to:
// the data of de.antrag.eingereicht.v1, and of types that are like it.
type application struct {
	Antrag struct {
		Leistung string `json:"leistung"`
	} `json:"antrag"`
	Antragsdatum string `json:"antragsdatum"`
	Zeichen      string `json:"zeichen"`
	Rueckkanal   *struct {
		Art     string `json:"art"`
		Adresse string `json:"adresse"`
	} `json:"rueckkanal"`
	Statusmonitor string `json:"statusmonitor"`
	Bescheid      *bool  `json:"bescheidDigital"`
	Fachschema    struct {
		URI       string `json:"uri"`
		MediaType string `json:"mediaType"`
	} `json:"fachschema"`
}

const cannotMap = "unmappable"

// unmappable names the place in the event's data, never what stands there.
func unmappable(format string, args ...any) error {
	return hub.Permanent(cannotMap, "make a submission of the event: "+format, args...)
}

// parcels are what an event becomes.
func (s *sink) parcels(d hub.Delivery) ([]*parcel, error) {
	if d.Event.Context == nil {
		return nil, unmappable("it is no CloudEvent")
	}
	if d.Event.Type() == statusType && s.set.ZBP != nil {
		return s.status(d.Event)
	}
	for i := range s.set.Sendungen {
		if one := &s.set.Sendungen[i]; one.Typ == d.Event.Type() {
			p, err := one.parcel(d.Event, s.set.MaxDaten)
			if err != nil {
				return nil, err
			}
			return []*parcel{p}, nil
		}
	}
	return nil, unmappable("sendungen has no entry for its type")
}

func (o *sendung) parcel(e hub.Event, most int64) (*parcel, error) {
	var a application
	if json.Unmarshal(e.Data(), &a) != nil {
		return nil, unmappable("its data have not the shape of an application")
	}
	p := &parcel{destination: o.Zustellpunkt, leika: o.Leistung, name: o.Name}
	if p.leika == "" {
		p.leika = a.Antrag.Leistung
	}
	if !leikaForm.MatchString(p.leika) {
		return nil, unmappable("/antrag/leistung is missing or no LeiKa key, and sendungen gives none")
	}
	p.service = fit.ServicePrefix + p.leika
	if p.name == "" {
		p.name = p.leika
	}
	if err := o.place(p, e); err != nil {
		return nil, err
	}
	if err := o.describe(p, a, e.Subject()); err != nil {
		return nil, err
	}
	at := "/original"
	if o.Daten != nil {
		at = *o.Daten
	}
	raw, err := pointed(e.Data(), at)
	if err != nil || raw == nil {
		return nil, unmappable("there is nothing at %q, which are to be the application data", at)
	}
	p.data = dataOf(raw, at, p.metadata.Data.MIMEType, most)
	p.attachments, err = attachments(e.Data(), o.Anlagen)
	return p, err
}

// place says where the routing service is to look: exactly one parameter.
func (o *sendung) place(p *parcel, e hub.Event) error {
	ars := o.ARS
	if ars == "" && o.ARSAus != "" {
		raw, err := pointed(e.Data(), o.ARSAus)
		if err != nil || json.Unmarshal(raw, &ars) != nil || !arsForm.MatchString(ars) {
			return unmappable("there is no ARS at %q", o.ARSAus)
		}
	}
	ags, _ := e.Extensions()[hub.AttrAGS].(string)
	switch {
	case ars != "":
		p.area, p.key = "ars", ars
	case agsForm.MatchString(ags):
		p.area, p.key = "ags", ags
	case p.destination == "":
		return unmappable("neither sendungen nor the attribute ags say for which place it is")
	}
	return nil
}

// replyChannels are the names in metadata of those in events.
var replyChannels = map[string]string{
	"email": "eMail", "de-mail": "deMail", "fink": "fink", "elster": "elster", "bundid": "idBundDeMailbox",
}

func (o *sendung) describe(p *parcel, a application, reference string) error {
	m := &p.metadata
	m.Data.SchemaURI, m.Data.MIMEType = o.Schema, o.Datentyp
	if o.Schema == "" {
		m.Data.SchemaURI, m.Data.MIMEType = a.Fachschema.URI, a.Fachschema.MediaType
	}
	if m.Data.SchemaURI == "" || m.Data.MIMEType != mimeJSON && m.Data.MIMEType != mimeXML {
		return unmappable("/fachschema is missing, and sendungen gives neither schema nor datentyp")
	}
	m.SenderReference, m.ApplicationDate, m.StatusID, m.DigitalConsent = a.Zeichen, a.Antragsdatum, a.Statusmonitor, a.Bescheid
	if m.SenderReference == "" {
		m.SenderReference = reference
	}
	if c := a.Rueckkanal; c != nil && replyChannels[c.Art] != "" {
		m.ReplyChannel = &fit.ReplyChannel{Kind: replyChannels[c.Art], Address: c.Adresse}
	}
	return nil
}

// pointed gives the value at a JSON Pointer, nil where there is none.
func pointed(raw []byte, pointer string) ([]byte, error) {
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		var object map[string]json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, err
		}
		if raw = object[token]; raw == nil {
			return nil, nil
		}
	}
	return raw, nil
}

// dataOf reads the application data: what a reference leads to, or the value itself.
func dataOf(raw []byte, at, mimeType string, most int64) func(context.Context, hub.Delivery, []sealed) ([]byte, error) {
	return func(ctx context.Context, d hub.Delivery, _ []sealed) ([]byte, error) {
		var b blob
		if json.Unmarshal(raw, &b) == nil && strings.HasPrefix(b.Ref, "blob:") {
			return readBlob(ctx, d, b, most)
		}
		if mimeType == mimeJSON {
			return raw, nil
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return nil, unmappable("what is at %q is neither a reference nor a text with XML", at)
		}
		return []byte(text), nil
	}
}

// readBlob reads at most one byte more than is allowed, which seal then refuses.
func readBlob(ctx context.Context, d hub.Delivery, b blob, most int64) ([]byte, error) {
	r, err := d.Blobs.Open(ctx, b.Ref)
	if err != nil {
		return nil, fmt.Errorf("open the application data: %w", err)
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, fmt.Errorf("read the application data: %w", err)
	}
	sum := sha256.Sum256(raw)
	if b.SHA256 != "" && int64(len(raw)) <= most && hex.EncodeToString(sum[:]) != b.SHA256 {
		return nil, hub.Permanent("fit-data", "the application data's SHA-256 is not that of the event")
	}
	return raw, nil
}

// isJSON says whether raw is one JSON value.
func isJSON(raw []byte) bool { return jsontext.Value(raw).IsValid(jsontext.AllowDuplicateNames(true)) }

// purposes are the names in metadata of those in events.
var purposes = map[string]string{"formular": "form", "anlage": "attachment", "bericht": "report", "fachdaten": "data"}

// attachments reads a list: of references, or of objects that have one as dokument.
func attachments(data []byte, at string) ([]attachment, error) {
	raw, err := pointed(data, at)
	if err != nil {
		return nil, unmappable("there is no place %q", at)
	}
	if raw == nil {
		return nil, nil
	}
	var list []struct {
		blob
		Zweck       string `json:"zweck"`
		Bezeichnung string `json:"bezeichnung"`
		Dokument    *blob  `json:"dokument"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil, unmappable("what is at %q is no list of attachments", at)
	}
	var all []attachment
	for i, one := range list {
		a := attachment{blob: one.blob, purpose: purposes[one.Zweck], description: one.Bezeichnung}
		if one.Dokument != nil {
			a.blob = *one.Dokument
		}
		if a.purpose == "" {
			a.purpose = "attachment"
		}
		if !mimeForm.MatchString(a.blob.MediaType) {
			a.blob.MediaType = "application/octet-stream"
		}
		if a.blob.Ref != "" && !strings.HasPrefix(a.blob.Ref, "blob:") {
			return nil, unmappable("attachment %d at %q is no reference", i, at)
		}
		all = append(all, a)
	}
	if len(all) > maxAttachments {
		return nil, hub.Permanent("too-large", "the event has more than %d attachments", maxAttachments)
	}
	return all, nil
}

// mimeForm is that of the metadata.
var mimeForm = regexp.MustCompile(`^[-\w.]+/[-\w.+]+$`)

// maxAttachments is what the event's schema allows.
const maxAttachments = 200
