package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of the documents in a schema directory.
const (
	maxBytes    = 256 << 10
	maxDepth    = 64
	maxNumber   = 64 // characters
	maxExponent = 400
)

// decode reads one JSON document strictly (no duplicate names, valid UTF-8,
// nothing behind it) with the gate's limits on depth and numbers: a long
// exponent would crash the schema library. Numbers become json.Number.
func decode(raw []byte) (any, error) {
	if len(raw) > maxBytes {
		return nil, fmt.Errorf("larger than %d KiB", maxBytes>>10)
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for first := true; first || d.StackDepth() > 0; first = false {
		t, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		if d.StackDepth() > maxDepth {
			return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
		}
		if t.Kind() == '0' && !smallNumber(t.String()) {
			return nil, fmt.Errorf("a number is too long")
		}
	}
	if len(bytes.TrimSpace(raw[d.InputOffset():])) > 0 {
		return nil, fmt.Errorf("text after the JSON value")
	}
	return decodeNumbers(raw)
}

func decodeNumbers(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var doc any
	err := dec.Decode(&doc)
	return doc, err
}

func smallNumber(s string) bool {
	if len(s) > maxNumber {
		return false
	}
	at := strings.IndexAny(s, "eE")
	if at < 0 {
		return true
	}
	exp, err := strconv.Atoi(s[at+1:])
	return err == nil && exp <= maxExponent && exp >= -maxExponent
}

// position gives line and column, from 1, of what pointer points at in raw, or
// of its nearest ancestor that is there.
func position(raw []byte, pointer string) (line, column int) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	best, at := -1, 0
	for {
		from := d.InputOffset()
		if _, err := d.ReadToken(); err != nil {
			break
		}
		here := string(d.StackPointer())
		if len(here) > best && (here == pointer || strings.HasPrefix(pointer, here+"/")) {
			best, at = len(here), int(from)
		}
		if here == pointer {
			break
		}
	}
	for at < len(raw) && strings.IndexByte(" \t\r\n,:", raw[at]) >= 0 {
		at++
	}
	return lineColumn(raw, at)
}

func lineColumn(raw []byte, at int) (line, column int) {
	before := raw[:min(at, len(raw))]
	line = 1 + bytes.Count(before, []byte{'\n'})
	return line, 1 + len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:])))
}

// token escapes a name for a JSON Pointer (RFC 6901).
func token(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// untoken is the reverse of token.
func untoken(t string) string {
	if strings.IndexByte(t, '~') < 0 {
		return t
	}
	return strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
}
