// Package metrics counts, and writes what was counted in the text format of
// Prometheus (0.0.4). Names of applications, streams and codes may be labels; nothing
// personal and nothing of an event is.
package metrics

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ContentType of what Write writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Registry holds counters, and asks for gauges when it is read. Its methods are safe
// for concurrent use.
type Registry struct {
	mu       sync.Mutex
	counters []*Counter
	gauges   []Gauges
}

// Gauges gives values as they are now.
type Gauges func(ctx context.Context) ([]Gauge, error)

// Gauge is one kind of value.
type Gauge struct {
	Name, Help string
	Labels     []string
	Values     []Value
}

// Value is what was measured, with a value for each label.
type Value struct {
	Labels []string
	Value  float64
}

// Counter counts by its labels.
type Counter struct {
	name, help string
	labels     []string

	mu sync.Mutex
	of map[string]*counted
}

type counted struct {
	labels []string
	n      uint64
}

// most is how many combinations of labels a counter keeps apart; further ones are
// counted as "other", so that nobody makes it grow.
const most = 10_000

// Counter makes a counter; its name ends with _total.
func (r *Registry) Counter(name, help string, labels ...string) *Counter {
	c := &Counter{name: name, help: help, labels: labels, of: map[string]*counted{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counters = append(r.counters, c)
	return c
}

// Gauges has g asked whenever the registry is read.
func (r *Registry) Gauges(g Gauges) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gauges = append(r.gauges, g)
}

// Add counts one with these values of the counter's labels. A nil Counter counts
// nothing.
func (c *Counter) Add(values ...string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := strings.Join(values, "\x00")
	x := c.of[key]
	if x == nil && len(c.of) >= most {
		values = slices.Repeat([]string{"other"}, len(c.labels))
		key = strings.Join(values, "\x00")
		x = c.of[key]
	}
	if x == nil {
		x = &counted{labels: slices.Clone(values)}
		c.of[key] = x
	}
	x.n++
}

func (c *Counter) gauge() Gauge {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := Gauge{Name: c.name, Help: c.help, Labels: c.labels}
	for _, key := range slices.Sorted(maps.Keys(c.of)) {
		g.Values = append(g.Values, Value{c.of[key].labels, float64(c.of[key].n)})
	}
	return g
}

// Write writes all. Gauges that cannot be had are left out; the error then names them.
func (r *Registry) Write(ctx context.Context, w io.Writer) error {
	r.mu.Lock()
	counters, gauges := slices.Clone(r.counters), slices.Clone(r.gauges)
	r.mu.Unlock()
	var b strings.Builder
	for _, c := range counters {
		c.gauge().write(&b, "counter")
	}
	var failed error
	for _, ask := range gauges {
		now, err := ask(ctx)
		if err != nil {
			failed = fmt.Errorf("read metrics: %w", err)
			continue
		}
		for _, g := range now {
			g.write(&b, "gauge")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return failed
}

func (g Gauge) write(b *strings.Builder, kind string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", g.Name, escape.Replace(g.Help), g.Name, kind)
	for _, v := range g.Values {
		b.WriteString(g.Name)
		for i, name := range g.Labels {
			b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
			fmt.Fprintf(b, `%s="%s"`, name, escapeLabel.Replace(v.Labels[i]))
		}
		if len(g.Labels) > 0 {
			b.WriteString("}")
		}
		b.WriteString(" " + strconv.FormatFloat(v.Value, 'g', -1, 64) + "\n")
	}
}

var (
	escape      = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)
