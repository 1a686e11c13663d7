package akdb

import (
	"context"

	"github.com/amtsbote/amtsbote/adapters/akdb/xdomea"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmlout"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

// Messages that need a blob beside the event's data.

func buildStatus(ctx context.Context, s *sink, d hub.Delivery) ([]byte, error) {
	data, err := decodeData[xmeld.Mitgeteilt](d.Event)
	if err != nil {
		return nil, err
	}
	pdf, err := s.blob(ctx, d, data.Dokument)
	if err != nil {
		return nil, err
	}
	v := s.envelope(d.Event, data.Kopf)
	return xmeld.WriteStatus(v, data, xmeld.Anschrift{AGS: place(d.Event, v.Autor)}, pdf)
}

func buildAccepted(ctx context.Context, s *sink, d hub.Delivery) ([]byte, error) {
	data, err := decodeData[xmeld.Angenommen](d.Event)
	if err != nil {
		return nil, err
	}
	pdf, err := s.blob(ctx, d, data.Meldebestaetigung)
	if err != nil {
		return nil, err
	}
	return xmeld.WriteAngenommen(s.envelope(d.Event, data.Kopf), data, pdf)
}

func buildRefused(ctx context.Context, s *sink, d hub.Delivery) ([]byte, error) {
	data, err := decodeData[xmeld.Zurueckgewiesen](d.Event)
	if err != nil {
		return nil, err
	}
	pdf, err := s.blob(ctx, d, data.Bescheid)
	if err != nil {
		return nil, err
	}
	v := s.envelope(d.Event, data.Kopf)
	return xmeld.WriteZurueckgewiesen(v, data, xmeld.Anschrift{AGS: place(d.Event, v.Autor)}, pdf)
}

// buildRejection makes a Rückweisung of our own: only where that is switched on,
// and only for what is the sender's fault. One that came passes with its original.
func buildRejection(ctx context.Context, s *sink, d hub.Delivery) ([]byte, error) {
	data, err := decodeData[xmeld.Zurueckweisung](d.Event)
	if err != nil {
		return nil, err
	}
	if came(d.Event, data.Kopf) {
		return nil, xmlout.Unmappable("original", "is missing, gone or damaged, and a Rückweisung that came is not built anew")
	}
	if !s.set.Rueckweisung.Send {
		return nil, hub.Permanent(cannotMap, "a Rückweisung is not sent: the setting rueckweisung.senden is off")
	}
	for _, g := range data.Gruende {
		if !s.set.Rueckweisung.sendsCode(g.Code) {
			return nil, hub.Permanent(cannotMap, "a Rückweisung is not sent: gruende have a code that is not the sender's fault, or not among the setting rueckweisung.codes")
		}
	}
	rejected, err := s.blob(ctx, d, data.Nachricht)
	if err != nil {
		return nil, err
	}
	return xmeld.WriteRueckweisung(s.envelope(d.Event, between(data.Kopf, xoev.Stelle{}, data.Empfaenger)), data, rejected)
}

// records writes an xdomea message with its documents, in a container. Process and
// number name the file, as xdomea wants it; the event decides both.
func records(number string) func(context.Context, *sink, hub.Delivery) (string, []byte, error) {
	return func(ctx context.Context, s *sink, d hub.Delivery) (string, []byte, error) {
		data, err := decodeData[xdomea.Abgabe](d.Event)
		if err != nil {
			return "", nil, err
		}
		message, err := xdomea.Write(data, number, s.set.Xdomea, d.Event.Time())
		if err != nil {
			return "", nil, err
		}
		content, err := xdomea.Container(data, number, message, s.set.MaxBytes, func(doc xdomea.Dokument) ([]byte, error) {
			file, err := s.blob(ctx, d, doc.Datei)
			if err == nil && file == nil {
				return nil, xmlout.Unmappable("schriftgut.dokumente.datei", "is gone, damaged, or too large")
			}
			return file, err
		})
		return xdomea.Name(data, number) + ".zip", content, err
	}
}
