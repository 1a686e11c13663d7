package zms

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
)

// ZMS is PHP: an empty object is written as [], a number as text, and a list as an
// object whose keys count.

var errType = errors.New("a field has another type than ZMS gives it")

// number is an integer, or its text; null, "" and false are 0.
type number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(raw []byte) error {
	raw = bytes.Trim(raw, `"`)
	switch string(raw) {
	case "", "null", "false":
		*n = 0
		return nil
	}
	whole, fraction, _ := bytes.Cut(raw, []byte("."))
	if len(bytes.Trim(fraction, "0")) == 0 {
		raw = whole
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return errType // not err: it quotes
	}
	*n = number(v)
	return nil
}

// text is a text, or a number as it stands; null and false are "".
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return errType
		}
		*t = text(s)
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		*t = text(raw)
	case string(raw) == "null" || string(raw) == "false":
		*t = ""
	default:
		return errType
	}
	return nil
}

// truth is a boolean as it stands, or else a text.
type truth string

// UnmarshalJSON implements json.Unmarshaler.
func (t *truth) UnmarshalJSON(raw []byte) error {
	if string(raw) == "true" || string(raw) == "false" {
		*t = truth(raw)
		return nil
	}
	return (*text)(t).UnmarshalJSON(raw)
}

// object is a T, or nothing where PHP writes [] or null.
type object[T any] struct{ V T }

// UnmarshalJSON implements json.Unmarshaler.
func (o *object[T]) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '{':
		if json.Unmarshal(raw, &o.V) != nil {
			return errType
		}
	case raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0, string(raw) == "null", string(raw) == `""`:
	default:
		return errType
	}
	return nil
}

// list is an array, or an object whose values are the items.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(raw []byte) error {
	switch {
	case raw[0] == '[':
		var items []T
		if json.Unmarshal(raw, &items) != nil {
			return errType
		}
		*l = items
	case raw[0] == '{':
		return l.values(raw)
	case string(raw) != "null":
		return errType
	}
	return nil
}

// values reads an object's values in their order.
func (l *list[T]) values(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return errType
	}
	for dec.More() {
		if _, err := dec.Token(); err != nil {
			return errType
		}
		var item T
		if dec.Decode(&item) != nil {
			return errType
		}
		*l = append(*l, item)
	}
	return nil
}

var (
	numberForm = regexp.MustCompile(`^[0-9]{1,12}$`)
	leikaForm  = regexp.MustCompile(`^[0-9]{14}$`)
)
