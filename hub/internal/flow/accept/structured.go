package accept

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// readStructured reads structured mode (JSON format 3): one JSON object.
func readStructured(e *event.Event, h *header) *refusal.Refusal {
	raw := e.Message.Data
	e.Structured = true
	if h.batch() || bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("[")) {
		return refusal.At(refusal.ModeMismatch, "")
	}
	if len(raw) == 0 {
		return refusal.At(refusal.ModeMismatch, "")
	}
	if !utf8.Valid(raw) {
		return refusal.At(refusal.UTF8Invalid, "")
	}
	dec := jsontext.NewDecoder(bytes.NewReader(raw))
	t, err := dec.ReadToken()
	if err != nil {
		return syntax(err, "")
	}
	if t.Kind() != '{' {
		return refusal.At(refusal.JSONSyntax, "")
	}
	for dec.PeekKind() != '}' {
		if r := readMember(e, dec, raw); r != nil {
			return r
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return syntax(err, "")
	}
	return trailing(dec)
}

func readMember(e *event.Event, dec *jsontext.Decoder, raw []byte) *refusal.Refusal {
	t, err := dec.ReadToken()
	if err != nil {
		return syntax(err, "")
	}
	name := t.String()
	switch {
	case name == "data":
		return readData(e, dec, raw)
	case name == "data_base64":
		return readBase64(e, dec)
	case !validName(name):
		return refusal.At(refusal.CEAttrName, "")
	case len(e.Order) >= MaxAttributes:
		return refusal.At(refusal.CELimit, "")
	}
	return readAttribute(e, dec, name)
}

// readData keeps the bytes of the member data as they stand; null is no data.
func readData(e *event.Event, dec *jsontext.Decoder, raw []byte) *refusal.Refusal {
	if e.Data != nil {
		return refusal.At(refusal.DataTwice, "data")
	}
	v, err := dec.ReadValue()
	if err != nil {
		return syntax(err, "data")
	}
	if v.Kind() != 'n' {
		end := int(dec.InputOffset())
		e.Data = raw[end-len(v) : end]
	}
	return nil
}

func readBase64(e *event.Event, dec *jsontext.Decoder) *refusal.Refusal {
	if e.Data != nil {
		return refusal.At(refusal.DataTwice, "data_base64")
	}
	t, err := dec.ReadToken()
	if err != nil {
		return syntax(err, "data_base64")
	}
	if t.Kind() != '"' {
		return refusal.At(refusal.CEBase64, "data_base64")
	}
	data, err := base64.StdEncoding.Strict().DecodeString(t.String())
	if err != nil || strings.ContainsAny(t.String(), "\r\n") {
		return refusal.At(refusal.CEBase64, "data_base64")
	}
	e.Data, e.Base64 = data, true
	return nil
}

// readAttribute reads a scalar into its canonical string form (CloudEvents
// 3.2); null means unset (JSON format 2.2).
func readAttribute(e *event.Event, dec *jsontext.Decoder, name string) *refusal.Refusal {
	t, err := dec.ReadToken()
	if err != nil {
		return syntax(err, name)
	}
	switch t.Kind() {
	case 'n':
		return nil
	case '"':
		set(e, name, t.String())
	case 't', 'f':
		if coreString(name) {
			return refusal.At(refusal.CEType, name)
		}
		set(e, name, strconv.FormatBool(t.Bool()))
	case '0':
		return readInteger(e, name, t.String())
	default:
		return refusal.At(refusal.CEType, name)
	}
	return nil
}

func readInteger(e *event.Event, name, text string) *refusal.Refusal {
	if coreString(name) || strings.ContainsAny(text, ".eE") {
		return refusal.At(refusal.CEType, name)
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return refusal.At(refusal.CEIntRange, name)
	}
	set(e, name, strconv.FormatInt(n, 10))
	return nil
}

func coreString(name string) bool {
	switch name {
	case event.AttrID, event.AttrSource, event.AttrSpecVersion, event.AttrType, event.AttrDataContentType,
		event.AttrDataSchema, event.AttrSubject, event.AttrTime:
		return true
	}
	return false
}

func trailing(dec *jsontext.Decoder) *refusal.Refusal {
	if _, err := dec.ReadToken(); err == nil || !errors.Is(err, io.EOF) {
		return refusal.At(refusal.JSONTrailing, "")
	}
	return nil
}

// syntax maps a decoder's error to a code; the error text itself may quote the
// input and is dropped.
func syntax(err error, where string) *refusal.Refusal {
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return refusal.At(refusal.DuplicateKey, where)
	case strings.Contains(err.Error(), "surrogate"):
		return refusal.At(refusal.CESurrogate, where)
	case strings.Contains(err.Error(), "depth"):
		return refusal.At(refusal.JSONDepth, where)
	}
	return refusal.At(refusal.JSONSyntax, where)
}
