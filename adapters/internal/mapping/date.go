package mapping

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // Europe/Berlin must be known on every machine
)

const berlin = "Europe/Berlin"

// pattern is a date format in the letters that offices know from spreadsheets
// and Java: dd.MM.yyyy HH:mm:ss.
type pattern struct {
	form  *regexp.Regexp
	parts []byte // what each group is: y M d H m s S X
	unix  int    // digits below the second of a count since 1970, when it is one
	count bool
}

// Letters of a format, longest first.
var letters = []struct {
	word, form string
	part       byte
}{
	{"yyyy", `([0-9]{4})`, 'y'},
	{"MM", `([0-9]{2})`, 'M'},
	{"M", `([0-9]{1,2})`, 'M'},
	{"dd", `([0-9]{2})`, 'd'},
	{"d", `([0-9]{1,2})`, 'd'},
	{"HH", `([0-9]{2})`, 'H'},
	{"H", `([0-9]{1,2})`, 'H'},
	{"mm", `([0-9]{2})`, 'm'},
	{"ss", `([0-9]{2})`, 's'},
	{"SSS", `([0-9]{3})`, 'S'},
	{"XXX", `(Z|[+-][0-9]{2}:?[0-9]{2})`, 'X'},
}

// parsePattern reads a format. "unix" and "unix-ms" are counts since 1970, "iso"
// is RFC 3339 with a zone or without one, with a fraction or without one.
func parsePattern(text string) (pattern, error) {
	switch text {
	case "unix":
		return pattern{count: true}, nil
	case "unix-ms":
		return pattern{count: true, unix: 3}, nil
	case "iso":
		return pattern{
			form:  regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(Z|z|[+-][0-9]{2}:?[0-9]{2})?)?$`),
			parts: []byte("yMdHmsSX"),
		}, nil
	}
	var p pattern
	form := "^"
	for rest := text; rest != ""; {
		word := letter(&p, &form, rest)
		if word == "" {
			if c := rest[0]; c >= 'a' && c <= 'z' && c != 'T' || c >= 'A' && c <= 'Z' && c != 'T' {
				return p, fmt.Errorf("the format %s has a letter that means nothing: yyyy MM M dd d HH H mm ss SSS XXX and T do, or iso, unix, unix-ms alone", text)
			}
			word = rest[:1]
			form += regexp.QuoteMeta(word)
		}
		rest = rest[len(word):]
	}
	if strings.Count(string(p.parts), "y") != 1 || repeated(p.parts) {
		return p, fmt.Errorf("the format %s must have the year (yyyy), and each part once", text)
	}
	re, err := regexp.Compile(form + "$")
	if err != nil {
		return p, fmt.Errorf("the format %s is not UTF-8", text)
	}
	p.form = re
	return p, nil
}

func letter(p *pattern, form *string, rest string) string {
	for _, l := range letters {
		if strings.HasPrefix(rest, l.word) {
			*form += l.form
			p.parts = append(p.parts, l.part)
			return l.word
		}
	}
	return ""
}

func repeated(parts []byte) bool {
	seen := map[byte]bool{}
	for _, p := range parts {
		if seen[p] {
			return true
		}
		seen[p] = true
	}
	return false
}

// has tells whether the format has a part.
func (p pattern) has(part byte) bool { return strings.IndexByte(string(p.parts), part) >= 0 }

// fields gives the parts that a text has.
func (p pattern) fields(text string) (map[byte]string, bool) {
	if p.count || len(text) > 64 {
		return nil, false
	}
	m := p.form.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	out := map[byte]string{}
	for i, part := range p.parts {
		out[part] = m[i+1]
	}
	return out, true
}

func parseAny(formats []pattern, text string, zone *time.Location) (t time.Time, hasTime, ok bool) {
	for _, f := range formats {
		if t, ok := f.parse(text, zone); ok {
			return t, f.has('H'), true
		}
	}
	return time.Time{}, false, false
}

// parse reads a text; a time without a zone of its own is one of zone. Days and
// times that the calendar or the clock does not have (31.02., the hour that is
// skipped in March) are none.
func (p pattern) parse(text string, zone *time.Location) (time.Time, bool) {
	if p.count {
		return p.counted(text, zone)
	}
	f, ok := p.fields(text)
	if !ok {
		return time.Time{}, false
	}
	month, day := 1, 1
	if p.has('M') {
		month = number10(f['M'])
	}
	if p.has('d') {
		day = number10(f['d'])
	}
	if x := f['X']; x != "" {
		zone = offset(x)
		if zone == nil {
			return time.Time{}, false
		}
	}
	nanos := number10((f['S'] + "000000000")[:9])
	t := time.Date(number10(f['y']), time.Month(month), day, number10(f['H']), number10(f['m']), number10(f['s']), nanos, zone)
	same := t.Year() == number10(f['y']) && int(t.Month()) == month && t.Day() == day &&
		t.Hour() == number10(f['H']) && t.Minute() == number10(f['m']) && t.Second() == number10(f['s'])
	// The hour that comes twice in October is the first of the two.
	if before := t.Add(-time.Hour); same && before.Format(time.DateTime) == t.Format(time.DateTime) {
		t = before
	}
	return t, same && number10(f['y']) > 0
}

func (p pattern) counted(text string, zone *time.Location) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 253402300799000 {
		return time.Time{}, false
	}
	if p.unix == 3 {
		return time.UnixMilli(n).In(zone), true
	}
	return time.Unix(n, 0).In(zone), n <= 253402300799
}

// partly reads a date whose day, or month and day, may be unknown: the parts are
// not in the format, or stand as 00.
func (p pattern) partly(text string) (string, bool) {
	f, ok := p.fields(text)
	if !ok {
		return "", false
	}
	return partialDate(f['y'], f['M'], f['d'])
}

// partialDate joins the parts that are known; "" and 0 are not.
func partialDate(year, month, day string) (string, bool) {
	y, m, d := number10(year), number10(month), number10(day)
	switch {
	case y < 1 || y > 9999 || m < 0 || d < 0 || m == 0 && d != 0:
		return "", false
	case m == 0:
		return fmt.Sprintf("%04d", y), true
	case d == 0 && m <= 12:
		return fmt.Sprintf("%04d-%02d", y, m), true
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return t.Format(time.DateOnly), t.Day() == d && int(t.Month()) == m && t.Year() == y
}

// number10 reads digits; "" is 0, anything else -1.
func number10(s string) int {
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || len(s) > 9 {
		return -1
	}
	return n
}

func offset(x string) *time.Location {
	if x == "Z" || x == "z" {
		return time.UTC
	}
	digits := strings.ReplaceAll(x[1:], ":", "")
	h, m := number10(digits[:2]), number10(digits[2:])
	if h > 14 || m > 59 {
		return nil
	}
	seconds := h*3600 + m*60
	if x[0] == '-' {
		seconds = -seconds
	}
	if seconds == 0 {
		return time.UTC
	}
	return time.FixedZone("", seconds)
}
