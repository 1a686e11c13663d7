package finding

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"Straße 7, „Tür“":              "Straße 7, „Tür“",
		"a\x00b\u001b[2J\nc":           "a<U+0000>b<U+001B>[2J<U+000A>c",
		"\u202ea\u200b\u00ad":          "<U+202E>a<U+200B><U+00AD>",
		"a\xffb":                       "a<U+FFFD>b",
		strings.Repeat("x", 601):       strings.Repeat("x", 600) + "…",
		"x" + strings.Repeat("ä", 900): "x" + strings.Repeat("ä", 299) + "…",
		strings.Repeat("äx", 900):      strings.Repeat("äx", 200) + "…",
	} {
		if got := Clean(in); got != want || !utf8.ValidString(got) {
			t.Errorf("%.40q became %q", in, got)
		}
	}
}
