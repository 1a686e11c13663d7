package xmlout

import (
	"strings"
	"unicode/utf8"
)

// DIN 91379:2022-08, data type C: the characters that a text in a XÖV message
// may have. Greek, Cyrillic and symbols are not among them.

var dinCharacters = [][2]rune{
	{0x0009, 0x000A},
	{0x000D, 0x000D},
	{0x0020, 0x007E},
	{0x00A0, 0x00AC},
	{0x00AE, 0x017E},
	{0x0187, 0x0188},
	{0x018F, 0x018F},
	{0x0197, 0x0197},
	{0x01A0, 0x01A1},
	{0x01AF, 0x01B0},
	{0x01B7, 0x01B7},
	{0x01CD, 0x01DC},
	{0x01DE, 0x01DF},
	{0x01E2, 0x01F0},
	{0x01F4, 0x01F5},
	{0x01F8, 0x01FF},
	{0x0212, 0x0213},
	{0x0218, 0x021B},
	{0x021E, 0x021F},
	{0x0227, 0x0233},
	{0x0259, 0x0259},
	{0x0268, 0x0268},
	{0x0292, 0x0292},
	{0x02B9, 0x02BA},
	{0x02BE, 0x02BF},
	{0x02C8, 0x02C8},
	{0x02CC, 0x02CC},
	{0x1E02, 0x1E03},
	{0x1E06, 0x1E07},
	{0x1E0A, 0x1E11},
	{0x1E17, 0x1E17},
	{0x1E1C, 0x1E2B},
	{0x1E2F, 0x1E37},
	{0x1E3A, 0x1E3B},
	{0x1E40, 0x1E49},
	{0x1E52, 0x1E5B},
	{0x1E5E, 0x1E63},
	{0x1E6A, 0x1E6F},
	{0x1E80, 0x1E87},
	{0x1E8C, 0x1E97},
	{0x1E9E, 0x1E9E},
	{0x1EA0, 0x1EF9},
	{0x2019, 0x2019},
	{0x2021, 0x2021},
	{0x20AC, 0x20AC},
}

// dinSequences are letters with combining marks.
var dinSequences = strings.Fields("A\u030B C\u0300 C\u0304 C\u0306 C\u0308 C\u0315 C\u0323 C\u0326 C\u0328\u0306 D\u0302 F\u0300 " +
	"F\u0304 G\u0300 H\u0304 H\u0326 H\u0331 J\u0301 J\u030C K\u0300 K\u0302 K\u0304 K\u0307 K\u0315 " +
	"K\u031B K\u0326 K\u035FH K\u035Fh L\u0302 L\u0325 L\u0325\u0304 L\u0326 M\u0300 M\u0302 M\u0306 " +
	"M\u0310 N\u0302 N\u0304 N\u0306 N\u0326 P\u0300 P\u0304 P\u0315 P\u0323 R\u0306 R\u0325 " +
	"R\u0325\u0304 S\u0300 S\u0304 S\u031B\u0304 S\u0331 T\u0300 T\u0304 T\u0308 T\u0315 T\u031B U\u0307 " +
	"Z\u0300 Z\u0304 Z\u0306 Z\u0308 Z\u0327 a\u030B c\u0300 c\u0304 c\u0306 c\u0308 c\u0315 c\u0323 " +
	"c\u0326 c\u0328\u0306 d\u0302 f\u0300 f\u0304 g\u0300 h\u0304 h\u0326 j\u0301 k\u0300 k\u0302 " +
	"k\u0304 k\u0307 k\u0315 k\u031B k\u0326 k\u035Fh l\u0302 l\u0325 l\u0325\u0304 l\u0326 m\u0300 " +
	"m\u0302 m\u0306 m\u0310 n\u0302 n\u0304 n\u0306 n\u0326 p\u0300 p\u0304 p\u0315 p\u0323 r\u0306 " +
	"r\u0325 r\u0325\u0304 s\u0300 s\u0304 s\u031B\u0304 s\u0331 t\u0300 t\u0304 t\u0315 t\u031B u\u0307 " +
	"z\u0300 z\u0304 z\u0306 z\u0308 z\u0327 Ç\u0306 Û\u0304 ç\u0306 û\u0304 ÿ\u0301 Č\u0315 Č\u0323 " +
	"č\u0315 č\u0323 ē\u030D Ī\u0301 ī\u0301 ō\u030D Ž\u0326 Ž\u0327 ž\u0326 ž\u0327 Ḳ\u0304 ḳ\u0304 " +
	"Ṣ\u0304 ṣ\u0304 Ṭ\u0304 ṭ\u0304 Ạ\u0308 ạ\u0308 Ọ\u0308 ọ\u0308 Ụ\u0304 Ụ\u0308 ụ\u0304 ụ\u0308 ")

// dinText says whether s has characters of data type C only.
func dinText(s string) bool {
	for s != "" {
		n := 0
		if s[0] >= utf8.RuneSelf || len(s) > 1 && s[1] >= utf8.RuneSelf { // plain ASCII has no marks
			n = dinSequence(s)
		}
		if n == 0 {
			c, size := utf8.DecodeRuneInString(s)
			if !dinCharacter(c) {
				return false
			}
			n = size
		}
		s = s[n:]
	}
	return true
}

func dinCharacter(c rune) bool {
	for _, r := range dinCharacters {
		if r[0] <= c && c <= r[1] {
			return true
		}
	}
	return false
}

// dinSequence gives the length of the longest sequence that s begins with.
func dinSequence(s string) int {
	longest := 0
	for _, q := range dinSequences {
		if len(q) > longest && strings.HasPrefix(s, q) {
			longest = len(q)
		}
	}
	return longest
}
