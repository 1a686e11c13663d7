package address_test

import (
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/mail/address"
)

var cases = []struct {
	text, want string
	err        error
}{
	{"fach@example.de", "fach@example.de", nil},
	{"Fachbetreuung Jugendamt <fach.betreuung+bote@jugendamt.kreis.example>", "fach.betreuung+bote@jugendamt.kreis.example", nil},
	{"<postfach@localhost>", "postfach@localhost", nil},
	{"Fachbetreuung Jugendamt", "", address.ErrNone},
	{"", "", address.ErrNone},
	{"fach@", "", address.ErrInvalid},
	{"@example.de", "", address.ErrInvalid},
	{"a@b@example.de", "", address.ErrInvalid},
	{"Fach <a@example.de", "", address.ErrInvalid},
	{"Fach <a@example.de> x", "", address.ErrInvalid},
	{"a@example.de, b@example.de", "", address.ErrInvalid},
	{"a@example.de;b@example.de", "", address.ErrInvalid},
	{"b@example.de <a@example.de>", "", address.ErrInvalid},
	{"a@example.de\r\nBcc: b@example.de", "", address.ErrInvalid},
	{"Fach\nBcc: b@example.de <a@example.de>", "", address.ErrInvalid},
	{"a@example.de> SIZE=1", "", address.ErrInvalid},
	{`"a b"@example.de`, "", address.ErrInvalid},
	{"a..b@example.de", "", address.ErrInvalid},
	{".a@example.de", "", address.ErrInvalid},
	{"a@[192.0.2.1]", "", address.ErrInvalid},
	{"a@-example.de", "", address.ErrInvalid},
	{"a@example.de.", "", address.ErrInvalid},
	{"a@bücher.example", "", address.ErrInvalid},
	{"jörg@example.de", "", address.ErrInvalid},
	{"mailto:a@example.de", "", address.ErrInvalid},
	{strings.Repeat("a", 65) + "@example.de", "", address.ErrInvalid},
	{"a@" + strings.Repeat("abcdefghi.", 26) + "de", "", address.ErrInvalid},
	{strings.Repeat("n", 101) + " <a@example.de>", "", address.ErrInvalid},
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range cases {
		if got, err := address.Parse(tc.text); got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%q: %q, %v; want %q, %v", tc.text, got, err, tc.want, tc.err)
		}
	}
}

// FuzzParse: what is taken is one address, as net/mail reads it too, and can end no
// line of a message or of SMTP.
func FuzzParse(f *testing.F) {
	for _, tc := range cases {
		f.Add(tc.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := address.Parse(text)
		if err != nil {
			return
		}
		if strings.ContainsAny(got, " \r\n\t<>,;:\"\x00") || !strings.Contains(text, got) {
			t.Errorf("%q is taken as %q", text, got)
		}
		if other, err := mail.ParseAddress(got); err != nil || other.Address != got {
			t.Errorf("%q: net/mail reads %v, %v", got, other, err)
		}
	})
}
