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

// structured is a structured event being read.
type structured struct {
	*event.Event
	dec   *jsontext.Decoder
	raw   []byte
	given bool // there was data or data_base64, be it null
}

// readStructured reads structured mode (JSON format 3): one JSON object.
func readStructured(e *event.Event) *refusal.Refusal {
	raw := e.Message.Data
	e.Structured = true
	if len(raw) == 0 || bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("[")) {
		return refusal.At(refusal.ModeMismatch, "")
	}
	if !utf8.Valid(raw) {
		return refusal.At(refusal.UTF8Invalid, "")
	}
	s := &structured{Event: e, dec: jsontext.NewDecoder(bytes.NewBuffer(raw)), raw: raw}
	t, err := s.dec.ReadToken()
	if err != nil {
		return syntax(err, "")
	}
	if t.Kind() != '{' {
		return refusal.At(refusal.JSONSyntax, "")
	}
	for s.dec.PeekKind() != '}' {
		if r := s.member(); r != nil {
			return r
		}
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return syntax(err, "")
	}
	return trailing(s.dec)
}

func (s *structured) member() *refusal.Refusal {
	t, err := s.dec.ReadToken()
	if err != nil {
		return syntax(err, "")
	}
	name := t.String()
	switch {
	case name == "data" || name == "data_base64":
		if s.given {
			return refusal.At(refusal.DataTwice, name)
		}
		s.given = true
		if name == "data" {
			return s.data()
		}
		return s.base64()
	case !validName(name):
		return refusal.At(refusal.CEAttrName, "")
	case len(s.Attributes) >= MaxAttributes:
		return refusal.At(refusal.CELimit, "")
	}
	return readAttribute(s.Event, s.dec, name)
}

// data keeps the bytes of the member data as they stand; null is no data.
func (s *structured) data() *refusal.Refusal {
	v, err := s.dec.ReadValue()
	if err != nil {
		return syntax(err, "data")
	}
	if v.Kind() != 'n' {
		end := int(s.dec.InputOffset())
		s.Data = s.raw[end-len(v) : end]
	}
	return nil
}

func (s *structured) base64() *refusal.Refusal {
	t, err := s.dec.ReadToken()
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
	s.Data, s.Base64 = data, true
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

// syntax maps a decoder's error to a code. Its own text quotes the input and is
// dropped; only what is beneath it is looked at.
func syntax(err error, where string) *refusal.Refusal {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return refusal.At(refusal.DuplicateKey, where)
	}
	what := ""
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok && s.Err != nil {
		what = s.Err.Error()
	}
	switch {
	case strings.HasPrefix(what, "invalid surrogate pair"):
		return refusal.At(refusal.CESurrogate, where)
	case what == "exceeded max depth":
		return refusal.At(refusal.JSONDepth, where)
	}
	return refusal.At(refusal.JSONSyntax, where)
}
