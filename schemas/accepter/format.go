package accepter

import "github.com/santhosh-tekuri/jsonschema/v5"

// format is the check that jsonschema v5 makes, and one for the everyday form,
// which tells nothing of others. v5's own allocates.
type format struct {
	usual func([]byte) bool
	check func(any) bool
}

// newFormat gives nil for a format that v5 does not know: it accepts all then.
func newFormat(name string) *format {
	check, known := jsonschema.Formats[name]
	if !known {
		return nil
	}
	f := &format{check: check, usual: func([]byte) bool { return false }}
	switch name {
	case "date":
		f.usual = isDate
	case "date-time":
		f.usual = isDateTime
	case "uuid":
		f.usual = isUUID
	}
	return f
}

func (f *format) fits(s []byte) bool { return f.usual(s) || f.check(string(s)) }

// isDate: 2026-02-28 (RFC 3339, 5.6, full-date).
func isDate(s []byte) bool {
	if !shaped(s, "dddd-dd-dd") {
		return false
	}
	year, month, day := int(s[0]-'0')*1000+int(s[1]-'0')*100+two(s[2:]), two(s[5:]), two(s[8:])
	return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// isDateTime: 2026-02-28T12:00:00.5+01:00 (RFC 3339, 5.6, date-time), without
// leap seconds and with capital letters.
func isDateTime(s []byte) bool {
	if len(s) < 20 || !isDate(s[:10]) || !shaped(s[10:19], "Tdd:dd:dd") ||
		two(s[11:]) > 23 || two(s[14:]) > 59 || two(s[17:]) > 59 {
		return false
	}
	s = s[19:]
	if s[0] == '.' {
		n := 1
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		if n == 1 {
			return false
		}
		s = s[n:]
	}
	switch {
	case len(s) == 1:
		return s[0] == 'Z'
	case len(s) == 6 && (s[0] == '+' || s[0] == '-'):
		return shaped(s[1:], "dd:dd") && two(s[1:]) <= 23 && two(s[4:]) <= 59
	}
	return false
}

// isUUID: 8-4-4-4-12 hexadecimal digits (RFC 9562, 4).
func isUUID(s []byte) bool { return shaped(s, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") }

// shaped compares s with a form: d is a digit, x a hexadecimal one, all else
// itself.
func shaped(s []byte, form string) bool {
	if len(s) != len(form) {
		return false
	}
	for i, c := range s {
		digit := c >= '0' && c <= '9'
		switch form[i] {
		case 'd':
			if !digit {
				return false
			}
		case 'x':
			if !digit && (c|0x20 < 'a' || c|0x20 > 'f') {
				return false
			}
		default:
			if c != form[i] {
				return false
			}
		}
	}
	return true
}

func two(s []byte) int { return int(s[0]-'0')*10 + int(s[1]-'0') }
