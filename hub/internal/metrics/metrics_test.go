package metrics

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	var r Registry
	c := r.Counter("a_total", "Line\none", "x", "y")
	c.Add("1", `say "hi"`)
	c.Add("1", `say "hi"`)
	r.Counter("b_total", "none").Add()
	(*Counter)(nil).Add("ignored")
	r.Gauges(func(context.Context) ([]Gauge, error) {
		return []Gauge{{Name: "g", Help: "gauge", Labels: []string{"s"}, Values: []Value{{[]string{"IN_a"}, 1.5}}}}, nil
	})
	r.Gauges(func(context.Context) ([]Gauge, error) { return nil, errors.New("gone") })
	var b strings.Builder
	if err := r.Write(t.Context(), &b); err == nil {
		t.Error("the gauges that are gone are not told")
	}
	want := "# HELP a_total Line\\none\n# TYPE a_total counter\na_total{x=\"1\",y=\"say \\\"hi\\\"\"} 2\n" +
		"# HELP b_total none\n# TYPE b_total counter\nb_total 1\n# HELP g gauge\n# TYPE g gauge\ng{s=\"IN_a\"} 1.5\n"
	if b.String() != want {
		t.Errorf("wrote\n%s\nwant\n%s", b.String(), want)
	}
}

// TestCounterStaysSmall: more combinations than are kept apart are one.
func TestCounterStaysSmall(t *testing.T) {
	var r Registry
	c := r.Counter("a_total", "", "x")
	for i := range most + 5 {
		c.Add(string(rune(0x4e00 + i)))
	}
	if len(c.of) != most+1 || c.of["other"].n != 5 {
		t.Errorf("%d are kept apart, %d are others", len(c.of), c.of["other"].n)
	}
}
