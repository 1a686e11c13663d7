package federation

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// settings are an adapter's own settings as they stand in its file.
type settings struct{ root *node }

var _ hub.Settings = (*settings)(nil)

// fromNode keeps the block for the adapter to read.
func (s *settings) fromNode(d *decoder, n *node) {
	switch {
	case n.kind == null:
		s.root = &node{kind: mapping, at: n.at}
	case d.expect(n, mapping):
		s.root = n
	}
}

// Decode implements hub.Settings; the error joins a Finding for each problem.
func (s *settings) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode settings: %T is no pointer to a struct", into)
	}
	d := &decoder{findings: &findings{}}
	d.into(s.root, v.Elem(), "settings")
	return d.errors()
}

// Errorf implements hub.Settings; the error is a Finding. Items of a list are
// named by their number: key.0.
func (s *settings) Errorf(key, format string, args ...any) error {
	at, name := s.root.at, "settings"
	n := s.root
	for _, part := range strings.FieldsFunc(key, func(r rune) bool { return r == '.' }) {
		if n = n.child(part); n == nil {
			break
		}
		at = n.at
	}
	if key != "" {
		name = key
	}
	var f findings
	f.add(at, AdpSettings, name, fmt.Sprintf(format, args...))
	return f.list[0]
}

func (n *node) child(name string) *node {
	if i, err := strconv.Atoi(name); err == nil && n.kind == sequence && i >= 0 && i < len(n.items) {
		return n.items[i]
	}
	return n.get(name)
}

// orEmpty gives settings that are empty when there were none.
func (s *settings) orEmpty(at Pos) *settings {
	if s.root == nil {
		return &settings{&node{kind: mapping, at: at}}
	}
	return s
}

// SettingsFile reads settings that are a file of their own, such as those of a
// simulator that runs by itself. The error joins a Finding for each problem.
func SettingsFile(file string) (hub.Settings, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the file that the user names
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	r := reader{&findings{}, file}
	root := r.parse(raw)
	var s settings
	if root != nil {
		s.fromNode(&decoder{findings: r.findings}, root)
	}
	if errs := r.errors(); errs != nil {
		return nil, errs
	}
	return &s, nil
}
