package mapping

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// convert turns a single value into one of JSON; code says why it cannot, ""
// means that it could.
type convert func(s scalar) (v any, code string)

// Codes of refused inputs, with their sentences.
const (
	codeMissing  = "missing"
	codeSeveral  = "several"
	codeNoValue  = "not-a-value"
	codeNoList   = "not-a-list"
	codeTooMany  = "too-many"
	codeTooLong  = "too-long"
	codeString   = "bad-string"
	codeInteger  = "bad-integer"
	codeNumber   = "bad-number"
	codeCents    = "bad-amount"
	codeBoolean  = "bad-boolean"
	codeDate     = "bad-date"
	codeDateTime = "bad-date-time"
	codeEnum     = "unknown-value"
	codeAGS      = "bad-ags"
	codeCase     = "bad-correlationid"
	codeNone     = "no-mapping"
)

var sentences = map[string]string{
	codeMissing:  "nothing stands there, and the rule is not optional",
	codeSeveral:  "more than one value stands there",
	codeNoValue:  "no single value stands there",
	codeNoList:   "no list stands there",
	codeTooMany:  "the list is too long",
	codeTooLong:  "the text is too long",
	codeString:   "no text stands there",
	codeInteger:  "no whole number stands there",
	codeNumber:   "no number stands there",
	codeCents:    "no amount of money with at most two decimals stands there",
	codeBoolean:  "none of the words for true and false stands there",
	codeDate:     "no date of the formats stands there, or none of the calendar",
	codeDateTime: "no date and time of the formats stands there, or none of the calendar and clock",
	codeEnum:     "a value stands there that the table does not have",
	codeAGS:      "no Amtlicher Gemeindeschlüssel of 8 digits stands there",
	codeCase:     "no identifier of 8 to 64 letters, digits, hyphens and underscores stands there",
	codeNone:     "the input fits none of the mappings",
}

// maxText bounds a text where a rule says nothing, in characters.
const maxText = 4000

func toString(most int) convert {
	if most == 0 {
		most = maxText
	}
	return func(s scalar) (any, string) {
		if utf8.RuneCountInString(s.text) > most {
			return nil, codeTooLong
		}
		return s.text, ""
	}
}

var (
	wholeForm  = regexp.MustCompile(`^-?(?:0|[1-9][0-9]{0,17})$`)
	zeroesForm = regexp.MustCompile(`^(-?)0+([0-9])`)
	numberForm = regexp.MustCompile(`^-?(?:0|[1-9][0-9]{0,29})(?:\.[0-9]{1,20})?$`)
)

// plain takes a text apart that people have written a number in: 1.234,50. A
// JSON number stands as JSON writes it, whatever the rule says of texts.
func plain(s scalar, decimal, group string) string {
	t := s.text
	if s.kind == number {
		return t
	}
	t = strings.TrimPrefix(t, "+")
	whole, fraction, has := t, "", false
	if decimal != "" {
		whole, fraction, has = strings.Cut(t, decimal)
	}
	if group != "" {
		if !grouped(whole, group) {
			return ""
		}
		whole = strings.ReplaceAll(whole, group, "")
	}
	if decimal != "." && strings.Contains(t, ".") && group != "." {
		return "" // it would become the decimal point of JSON
	}
	whole = zeroesForm.ReplaceAllString(whole, "$1$2")
	if has {
		return whole + "." + fraction
	}
	return whole
}

// grouped holds for groups of three digits, or none.
func grouped(whole, group string) bool {
	parts := strings.Split(strings.TrimPrefix(whole, "-"), group)
	for i, p := range parts {
		if i > 0 && len(p) != 3 || i == 0 && len(parts) > 1 && (p == "" || len(p) > 3) {
			return false
		}
	}
	return true
}

func toInteger(group string) convert {
	return func(s scalar) (any, string) {
		t := plain(s, "", group)
		if s.kind == boolean || !wholeForm.MatchString(t) || t == "-0" {
			return nil, codeInteger
		}
		return json.Number(t), ""
	}
}

func toNumber(decimal, group string) convert {
	if decimal == "" {
		decimal = "."
	}
	return func(s scalar) (any, string) {
		t := plain(s, decimal, group)
		if s.kind == boolean || s.kind != number && !numberForm.MatchString(t) {
			return nil, codeNumber
		}
		return json.Number(t), ""
	}
}

var moneyForm = regexp.MustCompile(`^(-?)(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,2}))?$`)

// toCents gives an amount of money in the smallest unit: 12,50 is 1250.
func toCents(decimal, group string) convert {
	number := toNumber(decimal, group)
	return func(s scalar) (any, string) {
		v, code := number(s)
		n, ok := v.(json.Number)
		if code != "" || !ok {
			return nil, codeCents
		}
		m := moneyForm.FindStringSubmatch(n.String())
		if m == nil {
			return nil, codeCents
		}
		cents := strings.TrimLeft(m[2]+(m[3] + "00")[:2], "0")
		if cents == "" {
			return json.Number("0"), ""
		}
		return json.Number(m[1] + cents), ""
	}
}

func toBoolean(yes, no []string) convert {
	return func(s scalar) (any, string) {
		in := func(words []string) bool {
			return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, s.text) })
		}
		switch {
		case s.kind == boolean:
			return s.text == "true", ""
		case in(yes):
			return true, ""
		case in(no):
			return false, ""
		}
		return nil, codeBoolean
	}
}

func toEnum(table map[string]any) convert {
	return func(s scalar) (any, string) {
		if v, there := table[s.text]; there {
			return v, ""
		}
		return nil, codeEnum
	}
}

func toDate(formats []pattern) convert {
	return func(s scalar) (any, string) {
		if t, _, ok := parseAny(formats, s.text, time.UTC); ok {
			return t.Format(time.DateOnly), ""
		}
		return nil, codeDate
	}
}

// toPartialDate gives a date as far as it is known: 1980, 1980-05, 1980-05-15
// (XInneres teilbekanntesDatum). Unknown parts may stand as 00, as registers
// write them.
func toPartialDate(formats []pattern) convert {
	return func(s scalar) (any, string) {
		for _, f := range formats {
			if t, ok := f.partly(s.text); ok {
				return t, ""
			}
		}
		return nil, codeDate
	}
}

func toDateTime(formats []pattern, zone *time.Location) convert {
	return func(s scalar) (any, string) {
		if t, _, ok := parseAny(formats, s.text, zone); ok {
			return t.Format(time.RFC3339Nano), ""
		}
		return nil, codeDateTime
	}
}
