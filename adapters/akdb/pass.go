package akdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmlout"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

// pass hands on what came: messages that are never built from fields, since the
// events do not have what they demand, or no schema was there to hold them against.
func pass(ctx context.Context, s *sink, d hub.Delivery) (name string, content []byte, err error) {
	var held struct {
		Original *xoev.Original `json:"original"`
	}
	if err := json.Unmarshal(d.Event.Data(), &held); err != nil {
		return "", nil, hub.Permanent(cannotMap, "read event data: not the JSON of %s", d.Event.Type())
	}
	content, err = s.blob(ctx, d, held.Original)
	if err != nil {
		return "", nil, err
	}
	gone := xmlout.Unmappable("original", "is missing, gone or damaged, and this message is not built from fields")
	if content == nil {
		return "", nil, gone
	}
	h, err := headerOf(content)
	if err != nil {
		return "", nil, gone
	}
	if h.IsTest && s.production {
		return "", nil, hub.Permanent(otherwise, "a test message (attribute test) in production")
	}
	if h.UUID == "" || xoev.IsContainer(content) {
		return s.passRecords(d, h, content)
	}
	if h.UUID != fileUUID(d.Event) {
		if content = oneCase(content, h, d.Event); content == nil {
			return "", nil, gone
		}
	}
	kopf := h.Kopf()
	return tidy(kopf.Standard) + "_" + tidy(kopf.Code) + "_" + fileUUID(d.Event) + ".xml", content, nil
}

// acknowledge hands on a Quittung that came, and builds one (XInneres 0020) of an
// application's own event where the authority has switched that on.
func acknowledge(ctx context.Context, s *sink, d hub.Delivery) (name string, content []byte, err error) {
	name, content, err = pass(ctx, s, d)
	if _, gone := errors.AsType[*xmlout.UnmappableError](err); !gone || !s.set.Quittung.Send {
		return name, content, err
	}
	data, wrong := decodeData[xmeld.Quittiert](d.Event)
	if wrong != nil {
		return "", nil, wrong
	}
	if came(d.Event, data.Kopf) {
		return "", nil, err
	}
	v := s.envelope(d.Event, between(data.Kopf, xoev.Stelle{}, data.Empfaenger))
	content, err = xmeld.WriteQuittung(v, data, s.set.Quittung.Sachverhalt)
	return xmeld.StandardQuittung + "_" + xmeld.SachverhaltQuit + "_" + v.UUID + ".xml", content, err
}

// came says whether an event was a message: then the settings of this hub must not
// put words into the mouth of its author. Every such event has the attribute
// xoevmsgtype, and agreements cut data only.
func came(e hub.Event, k *xoev.Kopf) bool { return k != nil || extension(e, attrMsgType) != "" }

// passRecords names xdomea as xdomea wants it. Up to 3.1 the message has no UUID;
// the event's id is made of its bytes.
func (s *sink) passRecords(d hub.Delivery, h *xoev.Header, content []byte) (name string, _ []byte, err error) {
	if h.ProcessID == "" || strings.Contains(d.Event.ID(), ".") {
		return "", nil, xmlout.Unmappable("original", "names no process (ProzessID)")
	}
	end := ".xml"
	if bytes.HasPrefix(content, []byte("PK")) {
		end = ".zip"
	}
	return tidy(h.ProcessID) + "_" + tidy(h.Element) + end, content, nil
}

var untidy = regexp.MustCompile(`[^A-Za-z0-9.-]`)

// tidy lets into a file's name what may stand there; the message chose the text.
func tidy(s string) string {
	s = untidy.ReplaceAllString(s, "-")
	return strings.TrimLeft(s[:min(len(s), 80)], ".-")
}
