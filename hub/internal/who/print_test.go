package who

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// An event may come from anybody: what it calls itself does not turn the text
// around in the terminal of who asks.
func TestPrintIsClean(t *testing.T) {
	a := &Answer{ID: "a\u202eb", Type: "de.\u202ex.v1", Source: "urn:x:\u202e", At: time.Unix(0, 0)}
	for _, lang := range []string{"de", "en"} {
		var out bytes.Buffer
		a.Print(&out, lang, true)
		if s := strings.ReplaceAll(out.String(), "\n", ""); strings.ContainsFunc(s, finding.Hidden) || !strings.Contains(s, "a<U+202E>b") {
			t.Errorf("%q", s)
		}
	}
}
