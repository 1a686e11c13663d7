package xmlguard

import (
	"bytes"
	"regexp"
)

// Two things that encoding/xml does not tell are seen in the text of the
// token itself.

var manyColons = regexp.MustCompile(`^</?[^\s<>/=:]*:[^\s<>/=:]*:|[\s][^\s<>/=:"']*:[^\s<>/=:"']*:[^\s<>/="']*\s*=?\s*$`)

// twoColons says whether the tag that the decoder gave up on has a name such
// as a:b:c, on which parsers disagree (CVE-2020-29509 and its kin).
func twoColons(raw []byte) bool {
	return len(raw) > 0 && raw[0] == '<' && manyColons.Match(raw)
}

// spacedAttributes says whether white space stands before each attribute of a
// start tag.
func spacedAttributes(raw []byte) bool {
	quote := byte(0)
	for i, b := range raw {
		switch {
		case quote == 0 && (b == '"' || b == '\''):
			quote = b
		case quote != 0 && b == quote:
			quote = 0
			if i+1 < len(raw) && !bytes.ContainsRune([]byte(" \t\r\n/>"), rune(raw[i+1])) {
				return false
			}
		}
	}
	return true
}
