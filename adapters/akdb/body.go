package akdb

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

const typeNachricht = "de.xoev.nachricht.v1"

// body is what an event says: its type, its data, and two attributes that
// depend on the content.
type body struct {
	eventType     string
	data          any
	correlationID string
	ags           string

	original func(*xoev.Original) // puts the original into data
	pdf      string               // base64 text of a document that data refers to
	document func(*xoev.Original) // puts that document into data
}

// nachricht is the data of de.xoev.nachricht.v1.
type nachricht struct {
	Kopf       xoev.Kopf      `json:"kopf"`
	Ereignisse []ereignis     `json:"ereignisse,omitempty"`
	Original   *xoev.Original `json:"original"`
	// Anlagen travelled beside the message (XTA).
	Anlagen []*xoev.Original `json:"anlagen,omitempty"`
}

type ereignis struct {
	Zeitpunkt string `json:"zeitpunkt"`
	Zeichen   string `json:"zeichen"`
}

// bodyOf reads the message as what its root element says it is.
func bodyOf(m *xoev.Message) (*body, error) {
	switch {
	case m.Tree == nil:
		return generic(m), nil
	case m.Number() == xmeld.Meldeschein:
		return application(m)
	default:
		return result(m)
	}
}

func generic(m *xoev.Message) *body {
	d := &nachricht{Kopf: m.Kopf()}
	for _, e := range m.Ereignisse {
		if _, err := xoev.ParseTime(e.Zeitpunkt); err == nil && e.Zeichen != "" {
			d.Ereignisse = append(d.Ereignisse, ereignis{xoev.WithZone(e.Zeitpunkt), e.Zeichen})
		}
	}
	return &body{
		eventType: typeNachricht, data: d, correlationID: m.Origin,
		original: into(&d.Original),
	}
}

func application(m *xoev.Message) (*body, error) {
	d, err := xmeld.ReadMeldeschein(m)
	if err != nil {
		return nil, err
	}
	return &body{
		eventType: xmeld.TypeEingegangen, data: d, ags: d.Anschrift.AGS,
		original: into(&d.Original),
	}, nil
}

func result(m *xoev.Message) (*body, error) {
	r, err := xmeld.ReadErgebnis(m)
	if err != nil {
		return nil, err
	}
	b := &body{pdf: strings.Join(strings.Fields(r.PDF), "")}
	if d := r.Angenommen; d != nil {
		b.eventType, b.data, b.ags, b.correlationID = xmeld.TypeAngenommen, d, d.Anschrift.AGS, d.Ursprung.NachrichtenUUID
		b.original, b.document = into(&d.Original), into(&d.Meldebestaetigung)
	}
	if d := r.Zurueckgewiesen; d != nil {
		b.eventType, b.data, b.ags, b.correlationID = xmeld.TypeZurueckgewiesen, d, agsOf(m.Autor.Kennung), d.Ursprung.NachrichtenUUID
		b.original, b.document = into(&d.Original), into(&d.Bescheid)
	}
	return b, b.checkDocument()
}

func into(field **xoev.Original) func(*xoev.Original) {
	return func(o *xoev.Original) { *field = o }
}

// agsOf gives the AGS of a Meldebehörde's key, "" for other keys.
func agsOf(kennung string) string {
	prefix, key, _ := strings.Cut(kennung, ":")
	if !strings.EqualFold(prefix, "ags") || len(key) != 8 {
		return ""
	}
	return key
}

func (b *body) decoded() io.Reader {
	return base64.NewDecoder(base64.StdEncoding, strings.NewReader(b.pdf))
}

// checkDocument finds out before anything is stored whether the text is base64.
func (b *body) checkDocument() error {
	_, err := io.Copy(io.Discard, b.decoded())
	if _, corrupt := errors.AsType[base64.CorruptInputError](err); corrupt || errors.Is(err, io.ErrUnexpectedEOF) {
		return &xmeld.StructureError{Code: "X001", Path: "pdfDokument", What: "is not base64"}
	}
	return err
}

// attach puts the original and the document into the data.
func (b *body) attach(ctx context.Context, blobs hub.Blobs, original *xoev.Original) error {
	b.original(original)
	if b.pdf == "" {
		return nil
	}
	ref, err := blobs.Put(ctx, b.decoded())
	if err != nil {
		return fmt.Errorf("keep document: %w", err)
	}
	b.document(&xoev.Original{Ref: ref.Ref, SHA256: ref.SHA256, Size: ref.Size, MediaType: "application/pdf"})
	return nil
}
