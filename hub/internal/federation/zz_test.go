package federation

import (
	"fmt"
	"math/rand"
	"os"
	"testing"
	"time"
	"strings"
)

func TestZZ(t *testing.T) {
	src, _ := os.ReadFile("testdata/base/agreements/kfz-umzug.yaml")
	rnd := rand.New(rand.NewSource(1))
	var worst time.Duration
	start := time.Now()
	n := 0
	for time.Since(start) < 10*time.Second {
		raw := append([]byte(nil), src...)
		for range 1 + rnd.Intn(5) {
			i, j, l := rnd.Intn(len(raw)), rnd.Intn(len(raw)), rnd.Intn(60)
			copy(raw[i:], raw[j:min(len(raw), j+l)])
		}
		a := time.Now()
		(&reader{&findings{}, "f"}).parse(raw)
		if d := time.Since(a); d > worst {
			worst = d
		}
		n++
	}
	fmt.Println(n, worst)
	toks := []string{"(", ")", "NOT ", "a", " = ", " AND ", " OR ", " IN ", ",", "'x'", "1", " LIKE ", "-", "LENGTH(", " + ", " * "}
	worst = 0
	start = time.Now()
	w := ""
	for time.Since(start) < 15*time.Second {
		var b strings.Builder
		for b.Len() < rnd.Intn(900) {
			b.WriteString(toks[rnd.Intn(len(toks))])
		}
		a := time.Now()
		parseWhere(b.String())
		if d := time.Since(a); d > worst {
			worst, w = d, b.String()
		}
	}
	fmt.Println(worst, w)
	for _, s := range []string{strings.Repeat("NOT ", 240) + "a", strings.Repeat("a=", 450) + "a", strings.Repeat("a AND ", 150) + "a", strings.Repeat("-", 900) + "1", strings.Repeat("(a=1 OR ", 15) + "b" + strings.Repeat(")", 15), strings.Repeat("LENGTH(", 16) + "a" + strings.Repeat(")", 16)} {
		a := time.Now()
		_, err := parseWhere(s)
		fmt.Println(time.Since(a), err, s[:20])
	}
	for _, s := range []string{strings.Repeat("a: b\n", 200000), "x:\n"+strings.Repeat("  - {key: ags:09162000, name: Gemeinde, contract: V-1}\n", 11000), strings.Repeat("[", 1<<20), strings.Repeat("- ", 1<<19), strings.Repeat("a:\n b:\n", 100000), strings.Repeat("\"", 1<<20), strings.Repeat("a: |\n  x\n", 900), "a: "+strings.Repeat("x ", 1<<19), strings.Repeat("#\n", 1<<19), strings.Repeat("? a\n", 1<<18), "a: '" + strings.Repeat("''", 1<<19) + "'", strings.Repeat(" ", 1<<20), "a: \"" + strings.Repeat("\\n\n", 1<<18) + "\"", "a: |\n" + strings.Repeat(" x\n", 1<<18), strings.Repeat("- a: b\n  c: d\n", 70000), "{" + strings.Repeat("a: b, ", 150000) + "c: d}" } {
		a := time.Now()
		f := &findings{}
		(&reader{f, "f"}).parse([]byte(s))
		e := ""
		if len(f.list) > 0 { e = f.list[0].Error() }
		fmt.Printf("%v %.20q %.100s\n", time.Since(a), s, e)
	}
}
