package accept

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/schemas"
)

// checkData holds a JSON payload to the gate: strict syntax, depth, number
// size. One long exponent would crash the schema library, so it must not get
// there (facts: libraries, trap 1).
func checkData(e *event.Event, known *schemas.Registry) *refusal.Refusal {
	if e.Data == nil {
		return nil
	}
	inline := e.Structured && !e.Base64
	if !isJSON(e.ContentType()) {
		if inline && e.Data[0] != '"' {
			return refusal.At(refusal.MediaTypeMismatch, "data")
		}
		return nil
	}
	if fits(e, known) {
		e.JSON = true
		return nil
	}
	if !inline {
		if r := strict(e.Data); r != nil {
			return r
		}
	}
	e.JSON = true
	return scan(e.Data)
}

// fits asks the accepter of the event's type. It has the gate's limits, and tells
// nothing where it does not accept.
func fits(e *event.Event, known *schemas.Registry) bool {
	if known == nil {
		return false
	}
	s, ok := known.Lookup(e.Type())
	if ok && s.Accepts(e.Data) {
		e.Fits = s
		return true
	}
	return false
}

// usualType is the media type that nearly all events have; it need not be parsed.
const usualType = "application/json"

// isJSON: no media type means JSON (JSON format 3.1); so do +json types, in UTF-8.
func isJSON(contentType string) bool {
	if contentType == "" || contentType == usualType {
		return true
	}
	t, params, err := mime.ParseMediaType(contentType)
	return err == nil && UTF8Named(params) && (t == "application/json" || t == "text/json" || strings.HasSuffix(t, "+json"))
}

func strict(data []byte) *refusal.Refusal {
	if !utf8.Valid(data) {
		return refusal.At(refusal.UTF8Invalid, "data")
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	if _, err := dec.ReadValue(); err != nil {
		return syntax(err, "data")
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return refusal.At(refusal.JSONTrailing, "data")
	}
	return nil
}

// scan walks valid JSON once for depth and numbers.
func scan(data []byte) *refusal.Refusal {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			i = stringEnd(data, i)
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return refusal.At(refusal.JSONDepth, "data")
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || (c >= '0' && c <= '9'):
			end := numberEnd(data, i)
			if !smallNumber(data[i:end]) {
				return refusal.At(refusal.NumberLimit, "data")
			}
			i = end - 1
		}
	}
	return nil
}

// stringEnd gives the index of the closing quote of the string opening at i.
func stringEnd(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

func numberEnd(data []byte, i int) int {
	for i < len(data) && strings.IndexByte("+-.eE0123456789", data[i]) >= 0 {
		i++
	}
	return i
}

func smallNumber(n []byte) bool {
	if len(n) > MaxNumber {
		return false
	}
	at := bytes.IndexAny(n, "eE")
	if at < 0 {
		return true
	}
	exp, err := strconv.Atoi(string(n[at+1:]))
	return err == nil && exp <= MaxExponent && exp >= -MaxExponent
}
