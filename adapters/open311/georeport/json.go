package georeport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
)

// items gives the entries of a list, or the one object that is an answer of its own.
func items(body []byte) ([]json.RawMessage, error) {
	if len(body) > 0 && body[0] == '[' {
		return list(body)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil || object == nil {
		return nil, ErrList
	}
	for _, name := range lists {
		if inner, ok := object[name]; ok && string(inner) == "null" {
			return nil, nil // PHP's empty list
		} else if ok {
			return list(inner)
		}
	}
	for _, name := range []string{"service_request_id", "token", "service_code", "code"} {
		if _, ok := object[name]; ok {
			return []json.RawMessage{body}, nil
		}
	}
	return nil, ErrList
}

// maxEntries is how many entries a list has at most: empty ones cost more memory than
// bytes.
const maxEntries = 20_000

// array takes a JSON array apart.
func array(body []byte) (out []json.RawMessage, err error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, ErrList
	}
	for dec.More() {
		var one json.RawMessage
		if dec.Decode(&one) != nil || len(out) == maxEntries {
			return nil, ErrList
		}
		out = append(out, one)
	}
	if _, err := dec.Token(); err != nil {
		return nil, ErrList
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrList
	}
	return out, nil
}

// wrappers are names of single entries. Servers that make JSON of their XML have each
// entry in an object under its name (Mark-a-Spot to a POST: {"service_requests":
// {"request":{…}}}), or all entries below one name (FixMyStreet: {"requests":
// [{"request":[…]}]}).
var wrappers = []string{"request", "service_request", "request_update", "service_request_update", "service", "error"}

// list takes the array of a list apart, or the object that stands for it.
func list(body []byte) ([]json.RawMessage, error) {
	if inner, wrapped := unwrap(body); wrapped {
		if len(inner) > 0 && inner[0] == '[' {
			return array(inner)
		}
		return []json.RawMessage{inner}, nil
	}
	raw, err := array(body)
	if err != nil {
		return nil, err
	}
	out := make([]json.RawMessage, 0, len(raw))
	for _, one := range raw {
		inner, wrapped := unwrap(one)
		switch {
		case !wrapped:
			out = append(out, one)
		case len(inner) > 0 && inner[0] == '[':
			more, err := array(inner)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		default:
			out = append(out, inner)
		}
	}
	if len(out) > maxEntries {
		return nil, ErrList
	}
	return out, nil
}

// unwrap gives what an object holds that has nothing but a wrapper.
func unwrap(body []byte) (inner json.RawMessage, wrapped bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	name, err := dec.Token()
	if text, ok := name.(string); err != nil || !ok || !slices.Contains(wrappers, text) {
		return nil, false
	}
	if dec.Decode(&inner) != nil || dec.More() || len(inner) == 0 || inner[0] != '[' && inner[0] != '{' {
		return nil, false
	}
	_, err = dec.Token()
	return inner, err == nil
}

// saysErrors tells whether an answer is a list of errors (GeoReport v2, Errors), in
// either format: some servers have only one for them.
func saysErrors(body []byte) bool {
	body = bytes.TrimSpace(body)
	for _, format := range []string{JSON, XML} {
		list, err := List(format, body)
		if err == nil && len(list) > 0 && !slices.ContainsFunc(list, func(e Entry) bool { return e.Fields["code"] == "" && e.Fields["description"] == "" }) {
			return true
		}
	}
	return false
}

// total is how many entries there are altogether, where a list says so (Mark-a-Spot with
// extensions=true); 0 where it does not.
func total(format string, body []byte) int {
	if format != JSON || !bytes.HasPrefix(body, []byte("{")) {
		return 0
	}
	var said struct {
		Meta struct {
			Total json.RawMessage `json:"total"`
		} `json:"meta"`
	}
	if json.Unmarshal(body, &said) != nil {
		return 0
	}
	n, err := strconv.Atoi(string(bytes.Trim(said.Meta.Total, `"`)))
	if err != nil {
		return 0
	}
	return n
}
