package filedrop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/filedrop"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestREADME runs the examples of the README and holds its table to the code.
func TestREADME(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	blocks := yamlBlock.FindAllStringSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Fatal("no YAML in the README")
	}
	for _, block := range blocks {
		var adapter struct {
			Application string         `yaml:"application"`
			Kind        string         `yaml:"kind"`
			Settings    map[string]any `yaml:"settings"`
		}
		if err := yaml.Load([]byte(block[1]), &adapter, yaml.WithKnownFields()); err != nil {
			t.Fatal(err)
		}
		if adapter.Kind != filedrop.Kind().Name {
			continue
		}
		settings, err := yaml.Marshal(adapter.Settings)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := filedrop.Kind().Source(adaptertest.Env(t.TempDir()), adaptertest.Settings(settings)); err != nil {
			t.Error(err)
		}
	}
	for _, row := range settingsRows() {
		if !strings.Contains(text, row) {
			t.Errorf("the table lacks a row that begins %s", row)
		}
	}
}

// settingsRows is how the table's rows must begin: key and default.
func settingsRows() []string {
	var rows []string
	defaults := reflect.ValueOf(dropfolder.Defaults())
	for i := range defaults.NumField() {
		key := defaults.Type().Field(i).Tag.Get("yaml")
		if key == "-" { // not a setting
			continue
		}
		value := ""
		if v := defaults.Field(i); !v.IsZero() {
			value = fmt.Sprintf("`%v` ", v.Interface())
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s|", key, value))
	}
	return rows
}
