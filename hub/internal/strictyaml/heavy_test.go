package strictyaml

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// TestHeavyFiles: no file of half the size limit holds the hub up for long. The
// parser alone takes minutes for some of these.
func TestHeavyFiles(t *testing.T) {
	raced.Alone(t)
	const size = 1 << 19
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	var distinct strings.Builder
	for i := 0; distinct.Len() < size; i++ {
		distinct.WriteString("k" + strconv.Itoa(i) + ": 1, ")
	}
	for name, text := range map[string]string{
		"keys":          fill("a: b\n"),
		"nested keys":   fill("a:\n b:\n"),
		"brackets":      fill("["),
		"braces":        fill("{a: "),
		"dashes":        fill("- "),
		"explicit keys": fill("? a\n"),
		"quotes":        fill(`"`),
		"escapes":       `a: "` + fill("\\n\n") + `"`,
		"single quotes": "a: '" + strings.Repeat("''", size/2) + "'",
		"literals":      fill("a: |\n  x\n"),
		"one literal":   "a: |\n" + fill(" x\n"),
		"words":         "a: " + fill("x "),
		"comments":      fill("#\n"),
		"spaces":        fill(" "),
		"items":         fill("- a: b\n  c: d\n"),
		"flow mapping":  "{" + fill("a: b, ") + "c: d}",
		"many keys":     "{" + distinct.String() + "z: 1}",
		"anchors":       fill("- &a [*a]\n"),
		"tags":          fill("- !!x y\n"),
		"documents":     fill("---\na: b\n"),
		"carriages":     fill("a: b\r"),
	} {
		start := time.Now()
		r := &reader{List: &finding.List{}, file: "f"}
		r.parse([]byte(text))
		if d := time.Since(start); d > time.Minute { // hangs
			t.Errorf("%s took %v", name, d)
		} else if testing.Verbose() {
			t.Logf("%s: %v, %d findings", name, d, len(r.Found))
		}
	}
}

// An operator for eleven thousand municipalities is no heavy file.
func TestManyAuthorities(t *testing.T) {
	text := "authorities:\n" + strings.Repeat("  - {key: ags:09162000, name: Gemeinde, contract: V-1}\n", 11000)
	r := &reader{List: &finding.List{}, file: "f"}
	if n := r.parse([]byte(text)); n == nil || len(n.Get("authorities").Items) != 11000 {
		t.Error(r.Found)
	}
}
