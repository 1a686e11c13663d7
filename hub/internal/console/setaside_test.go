package console

import (
	"strings"
	"testing"
)

// TestSetAside: shared codes have a sentence in both languages, others none.
func TestSetAside(t *testing.T) {
	t.Parallel()
	for code, texts := range asides {
		for i, lang := range []string{"de", "en"} {
			if got := setAside(code, lang); got != texts[i] || !strings.HasSuffix(got, ".") {
				t.Errorf("%s in %s: %q", code, lang, got)
			}
		}
	}
	if got := setAside("xoev-x000", "de"); !strings.Contains(got, "Code X000") {
		t.Error(got)
	}
	if got := setAside("of-one-adapter-alone", "de"); got != "" {
		t.Error(got)
	}
}
