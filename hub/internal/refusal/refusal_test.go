package refusal

import (
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

func TestEveryCodeHasItsSentences(t *testing.T) {
	codes := Codes()
	if len(codes) != len(sentences) {
		t.Errorf("%d codes, %d sentences", len(codes), len(sentences))
	}
	for c := range door {
		_, twice := outside[c]
		if _, also := sentences[c]; twice || also {
			t.Errorf("%s has sentences twice", c)
		}
		codes = append(codes, c)
	}
	for c := range outside {
		if _, twice := sentences[c]; twice {
			t.Errorf("%s has sentences twice", c)
		}
		codes = append(codes, c)
	}
	for _, c := range codes {
		hasSentences(t, c)
	}
}

// TestCorpusCodesHaveSentences: whoever meets a code of the corpus, in whatever
// kind of input, finds what it means.
func TestCorpusCodesHaveSentences(t *testing.T) {
	corpus.Each(t, func(t *testing.T, in corpus.Input) {
		if in.Code != "" {
			hasSentences(t, Code(in.Code))
		}
	}, corpus.Kinds()...)
}

func hasSentences(t *testing.T, c Code) {
	t.Helper()
	de, en := c.Sentence("de"), c.Sentence("en")
	if de == en {
		t.Errorf("%s has the same sentence twice", c)
	}
	for lang, s := range map[string]string{"de": de, "en": en} {
		if !strings.Contains(s, " ") || !strings.HasSuffix(s, ".") {
			t.Errorf("%s has no sentence in %s: %q", c, lang, s)
		}
	}
}
