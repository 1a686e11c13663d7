package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

var berlin = func() *time.Location {
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // the federation package embeds the zones
	}
	return l
}()

// format writes dates and numbers as the language does; days are those of Berlin.
type format struct {
	Lang string
	t    *messages
	now  time.Time
}

// Now is when the page was made.
func (f format) Now() time.Time { return f.now }

// Time is date and time to the second.
func (f format) Time(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	if f.Lang == "de" {
		return t.In(berlin).Format("02.01.2006, 15:04:05")
	}
	return t.In(berlin).Format("2 Jan 2006, 15:04:05")
}

// Day is a date.
func (f format) Day(t time.Time) string {
	if f.Lang == "de" {
		return t.In(berlin).Format("02.01.2006")
	}
	return t.In(berlin).Format("2 Jan 2006")
}

// Date is a day of the federation directory.
func (f format) Date(d federation.Day) string {
	return f.Day(time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, berlin))
}

// Machine is a time for the attribute datetime.
func (f format) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// Ago is how long ago a time was, in its largest unit.
func (f format) Ago(t time.Time) string {
	if t.IsZero() {
		return f.t.Never
	}
	d := max(f.now.Sub(t), 0)
	n, unit := int(d/time.Second), f.t.Seconds
	switch {
	case n <= 1:
		return f.t.JustNow
	case d >= 48*time.Hour:
		n, unit = int(d/(24*time.Hour)), f.t.Days
	case d >= 2*time.Hour:
		n, unit = int(d/time.Hour), f.t.Hours
	case d >= 2*time.Minute:
		n, unit = int(d/time.Minute), f.t.Minutes
	}
	return fmt.Sprintf(f.t.AgoFormat, n, unit)
}

// Period is a length of time in its largest unit that it is a whole number of.
func (f format) Period(d time.Duration) string {
	for _, u := range []struct {
		of       time.Duration
		one, few string
	}{{24 * time.Hour, f.t.OneDay, f.t.ManyDays}, {time.Hour, f.t.OneHour, f.t.ManyHours}, {time.Minute, f.t.OneMinute, f.t.ManyMinutes}} {
		switch {
		case d == u.of:
			return "1 " + u.one
		case d >= u.of && d%u.of == 0:
			return f.Number(int64(d/u.of)) + " " + u.few
		}
	}
	return d.String()
}

// Lasting is how long something took: "47 ms", "1,2 s", "3 min 20 s", "5 h 7 min".
func (f format) Lasting(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return f.Decimal(d.Seconds()) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%s h %d min", f.Number(int64(d/time.Hour)), d%time.Hour/time.Minute)
}

// Number writes an integer with the language's separator of thousands.
func (f format) Number(v any) string {
	digits := fmt.Sprint(v)
	sep := ","
	if f.Lang == "de" {
		sep = "."
	}
	sign := ""
	if rest, is := strings.CutPrefix(digits, "-"); is {
		sign, digits = "-", rest
	}
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(sep)
		}
		b.WriteRune(c)
	}
	return sign + b.String()
}

// Decimal writes a number with one digit behind the separator.
func (f format) Decimal(v float64) string {
	whole, digit, _ := strings.Cut(strconv.FormatFloat(v, 'f', 1, 64), ".")
	if f.Lang == "de" {
		return f.Number(whole) + "," + digit
	}
	return f.Number(whole) + "." + digit
}

// Bytes writes a size.
func (f format) Bytes(size any) string {
	n, _ := strconv.ParseInt(fmt.Sprint(size), 10, 64)
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return f.Number(n) + " B"
	}
	return f.Decimal(v) + " " + units[i]
}

// Percent is how much of a limit is used.
func (f format) Percent(used, limit int64) int {
	if limit <= 0 {
		return 0
	}
	return int(min(max(used, 0)*100/limit, 100))
}

// Foreign is a text of others as it can be shown on one line: what has no shape of its
// own, or turns the direction of what follows, is named; what is long is cut.
func (f format) Foreign(s string) string { return visible(s, maxForeign) }

const maxForeign = 512

func visible(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if n++; n > most {
			fmt.Fprintf(&b, "… (+%d)", len([]rune(s))-most)
			break
		}
		if hidden(r) {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden tells whether a character does something instead of being seen. A zero width
// joiner is part of what people write: names in some scripts, and emoji.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d' && r != '\u200c' || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) ||
		unicode.Is(unicode.Co, r) || r == '\uFEFF'
}

// language of a request: what the person chose, else German unless the browser asks for
// English first.
func language(r *http.Request) string {
	if c, err := r.Cookie(langCookie); err == nil && (c.Value == "de" || c.Value == "en") {
		return c.Value
	}
	first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	if tag := strings.ToLower(strings.TrimSpace(first)); strings.HasPrefix(tag, "en") {
		return "en"
	}
	return "de"
}

const (
	langCookie  = "amtsbote-lang"
	themeCookie = "amtsbote-theme"
)

// theme that the person chose: light, dark, or "" for what the system says.
func theme(r *http.Request) string {
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

// here is the path and query of a page without the sentence that was said.
func here(u *url.URL) string {
	v := u.Query()
	v.Del("said")
	return (&url.URL{Path: u.Path, RawQuery: v.Encode()}).String()
}
