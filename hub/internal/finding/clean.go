package finding

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds a text from outside within a sentence, in bytes.
const maxText = 600

// Clean makes a text from outside fit for a terminal and for one line:
// what is not shown, moves the cursor or turns the direction of writing appears
// by its number, and the end of what is very long goes.
func Clean(s string) string {
	more := ""
	if len(s) > maxText {
		end := maxText
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s, more = s[:end], "…"
	}
	if strings.IndexFunc(s, Hidden) < 0 && utf8.ValidString(s) {
		return s + more
	}
	var out strings.Builder
	for _, r := range s {
		if Hidden(r) || r == utf8.RuneError {
			out.WriteString(Number(r))
			continue
		}
		out.WriteRune(r)
	}
	return out.String() + more
}

// Hidden tells whether a reader does not see a character: a control, a direction
// mark, a zero-width space, a line separator.
func Hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Number names a character by its number in Unicode: <U+202E>.
func Number(r rune) string { return fmt.Sprintf("<U+%04X>", r) }
