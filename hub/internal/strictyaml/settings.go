package strictyaml

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// Settings are an adapter's own settings as they stand in its file.
type Settings struct{ root *Node }

var _ hub.Settings = (*Settings)(nil)

// FromNode keeps the block for the adapter to read.
func (s *Settings) FromNode(d *Decoder, n *Node) {
	switch {
	case n.Kind == Null:
		s.root = &Node{Kind: Mapping, At: n.At}
	case d.Expect(n, Mapping):
		s.root = n
	}
}

// Decode implements hub.Settings; the error joins a Finding for each problem.
func (s *Settings) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode settings: %T is no pointer to a struct", into)
	}
	d := &Decoder{List: &finding.List{}}
	d.Into(s.root, v.Elem(), "settings")
	return d.Errors()
}

// Errorf implements hub.Settings; the error is a Finding. Items of a list are
// named by their number: key.0.
func (s *Settings) Errorf(key, format string, args ...any) error {
	at, name := s.root.At, "settings"
	n := s.root
	for _, part := range strings.FieldsFunc(key, func(r rune) bool { return r == '.' }) {
		if n = n.child(part); n == nil {
			break
		}
		at = n.At
	}
	if key != "" {
		name = key
	}
	var f finding.List
	f.Add(at, finding.AdpSettings, name, fmt.Sprintf(format, args...))
	return f.Found[0]
}

func (n *Node) child(name string) *Node {
	if i, err := strconv.Atoi(name); err == nil && n.Kind == Sequence && i >= 0 && i < len(n.Items) {
		return n.Items[i]
	}
	return n.Get(name)
}

// OrEmpty gives settings that are empty when there were none.
func (s *Settings) OrEmpty(at finding.Pos) *Settings {
	if s.root == nil {
		return &Settings{&Node{Kind: Mapping, At: at}}
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
	found := &finding.List{}
	root := Parse(found, file, raw)
	var s Settings
	if root != nil {
		s.FromNode(NewDecoder(found), root)
	}
	if errs := found.Errors(); errs != nil {
		return nil, errs
	}
	return &s, nil
}
