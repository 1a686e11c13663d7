package akdb

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

const typeNachricht = "de.xoev.nachricht.v1"

// body is what an event says: its type, its data, and the attributes that depend
// on the content.
type body struct {
	eventType     string
	data          any
	correlationID string
	causationID   string
	ags           string
	number        int            // of the case in a message with several, from 1; 0: it has one
	sperren       *xmeld.Sperren // blocks in the part of the message that the event is about

	original func(*xoev.Original) // puts the original into data
	pdf      string               // base64 text of a document that data refers to
	document func(*xoev.Original) // puts that document into data
}

// nachricht is the data of de.xoev.nachricht.v1.
type nachricht struct {
	Kopf       xoev.Kopf       `json:"kopf"`
	Ereignisse []xoev.Ereignis `json:"ereignisse,omitempty"`
	Sperren    *xmeld.Sperren  `json:"sperren,omitempty"`
	Original   *xoev.Original  `json:"original"`
	// Anlagen travelled beside the message (XTA).
	Anlagen []*xoev.Original `json:"anlagen,omitempty"`
}

// bodiesOf reads the message as what its root element says it is: one body for
// each of its cases, in the order of the message.
func bodiesOf(m *xoev.Message) ([]*body, error) {
	if m.TooMany {
		return nil, hub.Permanent(otherwise, "the message has more than %d cases (identifikation.ereignis)", xoev.MaxEreignisse)
	}
	all, err := typed(m)
	if _, wrong := errors.AsType[*xmeld.StructureError](err); wrong && !xmeld.Current(&m.Header) {
		all, err = nil, nil // of another version, so nothing can be said against it
	}
	if err != nil {
		return nil, err
	}
	if all == nil {
		all = generic(m)
	}
	return numbered(all), nil
}

// numbered gives the cases of a message with several their numbers.
func numbered(all []*body) []*body {
	if len(all) > 1 {
		for i, b := range all {
			b.number = i + 1
		}
	}
	return all
}

// generic is what every message can be: its header, and one of its cases. Which
// case a block belongs to is not known, so all have it.
func generic(m *xoev.Message) []*body {
	var all []*body
	for _, e := range m.Ereignisse {
		b := oneGeneric(m)
		n := utf8.RuneCountInString(e.Zeichen)
		if _, err := xoev.ParseTime(e.Zeitpunkt); err == nil && n > 0 && n <= longestZeichen {
			e.Zeitpunkt = xoev.WithZone(e.Zeitpunkt)
			b.data.(*nachricht).Ereignisse = []xoev.Ereignis{e} //nolint:errcheck // it was just made
		}
		all = append(all, b)
	}
	if all == nil {
		all = append(all, oneGeneric(m))
	}
	return all
}

// longestZeichen is that of ereignis.zeichen (XInneres-Basismodul).
const longestZeichen = 100

func oneGeneric(m *xoev.Message) *body {
	d := &nachricht{Kopf: m.Kopf(), Sperren: xmeld.SperrenIn(m)}
	return &body{
		eventType: typeNachricht, data: d, correlationID: m.Origin, sperren: d.Sperren,
		original: into(&d.Original),
	}
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

// attach puts the original and the document into the data. The original shows the
// blocks of everybody in the message; it goes only with an event that has all of
// them itself.
func (b *body) attach(ctx context.Context, blobs hub.Blobs, original *xoev.Original, all *xmeld.Sperren) error {
	if b.sperren.Covers(all) {
		b.original(original)
	}
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
