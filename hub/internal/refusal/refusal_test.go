package refusal

import "testing"

func TestEveryCodeHasItsSentences(t *testing.T) {
	for _, c := range Codes() {
		for _, lang := range []string{"de", "en"} {
			if s := c.Sentence(lang); s == "" || s == string(c) {
				t.Errorf("%s has no sentence in %s", c, lang)
			}
		}
	}
	if len(Codes()) != len(sentences) {
		t.Errorf("%d codes, %d sentences", len(Codes()), len(sentences))
	}
}
